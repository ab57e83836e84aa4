// Package badinput sends the server what no client should: broken framing, lying lengths and checksums, bombs, slow and
// vanishing connections. Every case must get S3's own error, store nothing, and leave neither memory nor goroutines
// behind. The package has no code of its own outside of tests.
package badinput
