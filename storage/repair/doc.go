// Package repair keeps blobs where they belong, whole, and only as long as somebody needs them. A [Repairer] works in
// the background; a [Manager] owns the ring and changes it while the server serves.
//
// # Guarantees
//
//   - Nothing is lost by moving: the replicator pushes a blob to the primaries that lack it, and a device gives up its copy
//     only when all primaries have theirs.
//   - A damaged copy is set aside only when a good one was read in full, and then refilled from it; it is never mended
//     in place. The last copy is kept, whatever its state, and reported.
//   - The collector deletes only what a collector entry names or what its owner disowns after the grace period; on any
//     error it deletes nothing. Pinned blobs wait.
//   - A change of the ring is one conditional commit, made from the ring it was decided on. A device is removed only when
//     nothing lies on it, unless it failed or the removal is forced.
//   - Every goroutine ends with [Repairer.Stop] or [Manager.Close]. Every kind of work can be run once, synchronously.
//
// # What it needs
//
// A kv.Store for the ring, devices opened by the function it is given, and from the domain the two questions of
// the collector: [Source] and [Liveness].
//
// # What it may not know
//
// What blobs and owners mean.
//
// # Locks
//
// Work on a blob holds the lock of its partition (Repairer.lock), so that no two kinds of work judge its copies at
// once; nothing else is locked beneath it. Repairer.passes allows one pass of a kind at a time and is taken first.
package repair
