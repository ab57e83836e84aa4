// Package object holds the rules of S3: buckets, objects, versions and multipart uploads, and how they map to
// the store and to blobs.
//
// It guarantees that every successful write is durable and visible to every later read and listing, that
// conditional writes are atomic against concurrent ones, and that nothing half-made is ever visible. It speaks
// plain Go values and errs.E; it knows no HTTP, no XML and no signatures, and it never sees a socket.
//
// Bodies up to Config.InlineLimit ride in the commit that makes the object; larger ones are streamed into blobs
// first, and the commit only refers to them. DESIGN.md in this folder gives the rows and the invariants.
package object
