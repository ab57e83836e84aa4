// Package ec2api tests the EC2 protocol of the real server, as clients of all ages see it: the current SDK for Go, boto3, boto
// 2.49 with Version 2 signatures, both AWS CLIs, and requests written byte by byte. The server runs without a hypervisor, or with
// instances that have no guests: what machines do is tested elsewhere. It has no code of its own outside of tests.
package ec2api
