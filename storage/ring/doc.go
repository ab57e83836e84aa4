// Package ring decides where things lie. A [Ring] is an immutable value that maps each of 2^P partitions to
// R devices; a [Builder] makes the next ring from the previous one, a list of changes, a time and a seed.
//
// # Guarantees
//
//   - Looking up is a slice index: no I/O, no lock, no allocation. Nobody asks a database where an object lies.
//   - A ring is consistent: every partition has exactly [Ring.Width] = min(R, devices that take data) replicas, all on
//     different devices, as the decoder checks too.
//   - Dispersion: a partition's replicas lie in as many different zones, then nodes, as the weights allow; the
//     overload knob lets devices take more than their weight's share to keep replicas further apart.
//   - Balance: after the last step of a change each device holds its weight's share to the replica, as long as
//     dispersion (see overload) does not ask otherwise.
//   - Minimal movement: a step moves only what weights or dispersion ask for, at most one replica of a partition per
//     step, and not again within the window, unless the device that held it failed or was removed.
//   - Determinism: the same ring, changes, time and seed give the same bytes.
//
// # How a step works
//
// Weights become real-valued shares per device, and the ideal dispersion becomes another set of shares; overload
// chooses a point between them (targets.go). Shares become whole numbers for zones, nodes and devices from the
// top down (targets.go). Then the table is changed in three phases (layout.go, balance.go): replicas of gone devices are
// placed anew, replicas that stand too close are moved apart, and devices over their target give to those below.
// Per partition the sets that respect the bounds of every tier are the bases of a laminar matroid, which is why a
// chain of single exchanges (found by breadth-first search) can always reach the targets when no partition is frozen.
//
// # What it may not know
//
// No I/O, no clock, no randomness of its own, no blobs: times and seeds are arguments.
package ring
