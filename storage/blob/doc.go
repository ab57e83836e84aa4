// Package blob keeps immutable blobs on one device: a folder of large append-only segment files with a
// checksum per 64 KiB, and a small derived index from blob to place.
//
// # Guarantees
//
//   - [Writer.Commit] returns nil only after the blob and everything needed to find it again are durable.
//     One sync of a segment serves every writer that waits for it.
//   - A blob is visible whole or not at all, also after a crash at any moment.
//   - Every byte handed out was verified against its checksum. Damage is a [CorruptError], never data.
//   - [Device.Delete] and [Device.Quarantine] are durable when they return.
//   - Memory does not grow with the number of blobs.
//   - After a failed write or sync the device takes no further writes (ErrFailed) and goes on reading.
//
// # What it needs
//
// A [vfs.FS] whose files allow WriteAt, ReadAt and SyncData at the same time, exclusive use of its folder, and ids that are never
// reused for other content.
//
// # What it may not know
//
// Placement, replicas, and what a blob means: an owner note is opaque bytes.
package blob
