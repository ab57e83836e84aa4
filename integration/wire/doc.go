// Package wire speaks S3 over a bare connection: it writes requests byte by byte, signed or deliberately broken, and
// reads answers without a client library in between.
//
// Tests use it for what no SDK would send: bodies shorter than declared, wrong signatures, raw SigV2. The benchmark
// uses it because a load generator that shares two cores with the server must cost next to nothing. Its signatures
// are written from Amazon's documentation and share no code with the server, so that a mistake in one does not hide
// in the other.
package wire
