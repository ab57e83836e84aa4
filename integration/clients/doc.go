// Package clients runs the clients that people use against the server, over plain HTTP and over TLS, since most of
// them send different bodies over each.
//
// Each test is one client: the AWS SDKs for Go, Python and JavaScript, both AWS CLIs, minio-go, restic, rclone,
// s3cmd, s3fs and litestream, and requests signed by hand in the old way. A test drives the client as its users do
// and checks what comes back, byte for byte. The package needs what integration/setup.sh installs and fails where
// something is missing. It has no code of its own outside of tests.
package clients
