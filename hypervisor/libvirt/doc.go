// Package libvirt is the hypervisor driver for libvirt, over the daemon's local socket: QEMU machines by KVM or by
// translation (qemu:///system), and machines without guests by libvirt's own test driver (test:///default).
//
// It gives the guarantees of package hypervisor, and for that needs libvirtd's socket and, to let the emulator's user
// into folders, the rights of root. It never starts, stops or configures the daemon.
//
// # How it keeps the promises
//
//   - Calls of the protocol have neither context nor time-out. Each runs in a goroutine of its own, on one of a few
//     connections with a few calls at a time (the daemon serves five per client); a caller stops waiting when its
//     context ends, and a connection whose call hangs is cut after Config.CallLimit.
//   - Events have a connection of their own, made again when it breaks, whereupon watchers are told to list again.
//   - The serial console is opened as the pseudo-terminal it is: a slow reader of a protocol stream would block the
//     connection.
//   - Machines carry their owner in the domain's metadata. What is owned is cached by UUID.
//
// Lock order: Driver.mu, then connection.mu; neither is held across a call of the protocol, but connection.mu while
// a connection is made.
package libvirt
