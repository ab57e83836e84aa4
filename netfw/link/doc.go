// Package link makes namespaces, taps, uplinks, routes and neighbours, by netlink.
//
// # What it guarantees
//
//   - Every Ensure may be repeated, finishes what an interrupted one left half made, and changes nothing that is right.
//   - Nothing that guests talk to is ever taken down in order to be made anew.
//   - A goroutine that enters a namespace does so on a thread of its own that ends with it, so no other goroutine can find itself
//     in the wrong namespace.
//
// # What it needs
//
// CAP_NET_ADMIN and CAP_SYS_ADMIN, and /dev/net/tun for taps.
//
// # What it may not know
//
// Firewalls and services. It routes whatever it is told to.
package link
