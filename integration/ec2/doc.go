// Package ec2 drives the EC2 side of a real server with the AWS SDK for Go and its waiters, and with real guests: the tiny
// image boots under libvirt, is reached by ssh through its public address, is stopped, started, rebooted, powered off from
// inside, destroyed behind the server's back, and the server is killed at every stage. What must be gone is looked for where
// it would be: libvirt, links, namespaces, nftables and the data folder.
//
// It needs root, libvirt with qemu, and what Debian packages the tiny image is made of. Longer runs:
//
//	go test ./integration/ec2 -run TestKill -kills 200
//	go test ./integration/ec2 -run TestManyInstances -instances 2000 -questions 200 -v
package ec2
