// Package blobs is the view over the devices of this machine: a [Pool] writes a blob to the devices its partition has in the
// ring, and reads it from whichever device has a good copy.
//
// # Guarantees
//
//   - [Writer.Commit] returns nil only when a majority of the replicas (ring.Ring.Quorum) is durable. The others go on
//     in the background; what fails there is reported as damage.
//   - A device that fails during a write drops out, and the write goes on while a majority is possible. Devices known to be
//     failed, suspect or full when the write starts are replaced by handoffs.
//   - A read that meets a missing or damaged copy or an I/O error goes on with the next copy at the same offset.
//     It looks everywhere, primaries first, failed devices last, before it gives up. Bytes that do not verify are never
//     handed out.
//   - With one copy there is no overhead: no goroutine, no copying, no allocation beyond the Writer and the Reader.
//   - Memory per blob being written is bounded: see chunkSize and queueLen.
//
// # What it needs
//
// Devices that are opened and closed by the caller: [Pool.RemoveDevice] tells when a device is no longer in use.
//
// # What it may not know
//
// How a ring came to be, how copies are mended (package repair), and what a blob means.
//
// # Locks
//
// The ring and the set of devices are one immutable value behind an atomic pointer; Pool.mu only serializes those who
// change it. Whoever uses a device holds a use count (device.acquire) that RemoveDevice waits for.
package blobs
