// Package crash hurts a running server and checks what it promised: it is killed at random moments under concurrent
// writers, its segment files are damaged while it serves, and devices come and go under load.
//
// What was acknowledged must be there with the right bytes; what was under way is there as a whole or not at all, and
// stays as it was first seen; a listing shows what reads show. Damage is healed from other copies or reported, and
// never served. The package has no code of its own outside of tests.
package crash
