// Package nft is the firewall and the address translation of one namespace, in the kernel's nftables.
//
// # What it guarantees
//
//   - The cost of a packet does not depend on the number of interfaces: maps lead from the interface's name to the chains of
//     its groups, rules of a group exist once however many members it has, and members are elements of a set.
//   - A packet sees the old rules or the new ones, never neither: chains are flushed and refilled in place within one atomic
//     transaction, and are never deleted while they are wanted. (Deleting and adding a chain anew in one transaction lets
//     packets through in between.)
//   - What the kernel has already is adopted: every rule carries what it means as its comment, and only chains whose comments
//     differ, and elements that are missing or too many, are touched.
//   - A change that the kernel refuses leaves the old rules in force, and one bad interface does not hold up the others.
//
// # What it needs
//
// A file descriptor of the namespace, and CAP_NET_ADMIN there. A Table may be used by several goroutines. It keeps a socket,
// but not after a failed transaction, so that nothing of that is left over.
//
// # What it may not know
//
// Links, routes, and who wants which rules: netfw translates.
package nft
