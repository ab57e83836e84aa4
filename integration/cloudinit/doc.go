// Package cloudinit launches a Debian guest with the cloud-init of its distribution, as it is packaged, and looks at what it
// makes of an instance: that it takes it for one of EC2, finds all of the metadata it crawls, and does what the user
// data says. The guest's files are made by debootstrap once and kept in the test cache.
package cloudinit
