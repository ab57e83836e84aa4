// Package netfw is the network of one host: namespaces, taps, routes, firewall, address translation, and the services that
// guests find in it (DHCP, DNS, instance metadata).
//
// # What it guarantees
//
//   - A network (a VPC) is one network namespace, so networks with the same addresses never meet. Nothing is bridged: every
//     packet of a guest is routed, and crosses the firewall of both ends.
//   - The firewall of an interface is in force before the first packet that can pass, and gone only after the tap is. A change
//     is one atomic transaction of the kernel, and a change that fails leaves the old rules standing.
//   - A guest can only speak as its interface: source MAC, source address and ARP are checked, and what fails is counted.
//   - Kernel state outlives the process. Close and a crash alike change nothing on the wire; Open and Apply adopt what is there
//     and touch only what differs.
//   - Everything made on the host carries Config.Prefix in its name, so that leftovers can be told from other people's things,
//     listed and removed.
//
// # The life of an interface
//
//  1. Apply with the interface among Network.Interfaces: the namespace, its services and the interface's firewall exist.
//  2. PrepareTap: a tap named TapName(prefix, interface id) exists in the host's namespace, down, where the hypervisor can
//     open it by name (libvirt: type='ethernet', managed='no'). A tap of the same name that an earlier run of the guest left
//     in the network's namespace is replaced.
//  3. The hypervisor starts the guest paused, holding the tap.
//  4. Plug: the tap moves into the namespace, behind its firewall, and comes up. (The hypervisor's descriptor stays valid.)
//  5. The hypervisor resumes the guest. Its first packet meets the rules.
//  6. When the guest is gone, or before: Apply without the interface. Tap, routes, rules and tracked connections go.
//
// Every step may be repeated. After a restart of the process: Open, Apply for each network, Sweep. Apply never unplugs an
// interface that is desired, so running guests notice nothing; an interface whose guest was started but not plugged is found
// by Host.Interfaces as Prepared and goes on at step 4.
//
// # What it needs
//
// Linux with nftables, tun and veth; root, or CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_NET_BIND_SERVICE with leave to write in
// /run/netns (ErrPrivilege says what is missing). No command line tool is run: everything goes by netlink.
//
// # What it may not know
//
// Storage, the core, hypervisors, and AWS beyond the plain structs of this package: who calls it translates. It decides no
// policy and gives out no address.
//
// DESIGN.md beside this file says why it is as it is.
package netfw
