// Package itype is the catalogue of instance types: how many processors and how much memory a name like t3.micro stands for.
//
// The catalogue that comes with the program has the names of AWS that tools and templates use, with AWS's sizes; an operator
// adds, changes or hides types by a file ([Parse]). It is fixed once made, knows no instance and no host, and its answers may
// be shared: do not change them.
package itype
