// Package agent brings the instances of one host to life: it reads what should be from package compute, makes it so with the
// hypervisor and the host's network, and reports what is.
//
// # Guarantees
//
//   - Each step can be repeated, and what a step does can be seen from outside: killed anywhere and started again, the agent
//     looks at store, hypervisor and network and goes on from there. It keeps no state of its own.
//   - No instruction of a guest runs before its firewall is in force.
//   - A machine that stops by itself, crashes, or is taken away by somebody else is noticed by the hypervisor's events and
//     reported at once, with the reason.
//   - Machines that run when the agent starts are adopted as they are. Machines, disks, interfaces and namespaces of this host
//     that no instance needs are removed at start and every now and then.
//   - One instance is worked on by one goroutine at a time; of all instances at most Config.Parallel
//     come up and as many others are worked on. Machines that are slow to come up, and images that are slow to be fetched, hold
//     back none that are to stop or end; waiting for a guest takes no place.
//
// # Order
//
// To start: base image in the cache, disks, firewall and namespace, tap, machine defined and started paused, tap moved
// behind the firewall, machine resumed, reported running. To end: machine off, interface and rules gone, machine undefined,
// disks removed, reported terminated, which frees address, capacity and the binding to the host.
//
// # What it may not know
//
// Protocols, accounts' rights and quotas. It changes nothing of what should be.
package agent
