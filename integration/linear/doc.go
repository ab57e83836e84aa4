// Package linear checks that the server is linearizable: that every history of concurrent reads, writes, conditional
// writes and deletes of a key could have happened one after the other, each at some moment between its request and
// its answer. Locks, leases and compare-and-swap of backup tools, databases and table formats stand on it.
//
// Histories are recorded by clients that never retry, with and without the server being killed in between, and
// checked by porcupine against a model of one key. The package has no code of its own outside of tests.
package linear
