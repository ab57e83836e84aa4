// Package hypervisor is the contract between the agent of a host and whatever runs virtual machines there: the
// description of a machine ([Spec]), what a driver can do with it ([Driver]), and what it reports ([Machine], [Event]).
//
// # Guarantees of a driver
//
//   - Every call is idempotent: asking for what is already so succeeds and changes nothing. A call that was cut off, by
//     a crash or by its context, can be made again.
//   - No call outlasts its context, even when the virtualisation daemon hangs. The outcome is then unknown; ask [Driver.Get].
//   - A driver only sees and touches machines that carry its owner's mark. Other people's machines on the same host
//     are neither listed nor stopped nor removed, and their names are refused with [ErrForeign].
//   - A machine that was started is paused: none of its instructions has run, and none of its packets was sent, before
//     [Driver.Resume]. In between, the agent moves and filters its interfaces.
//   - Machines outlive the process that started them. A driver that is opened again lists those that run, with their state.
//   - Watchers see every change of a machine's state, whoever made it, or one [EventResync] that tells them to list
//     again: after the connection to the daemon was lost, and when a watcher was too slow.
//
// # What it may not know
//
// Nothing of accounts, subnets, images or volumes, and nothing of storage, network or the control plane: a disk is a file
// or an NBD export, an interface is the name of a tap device, and who made them is not its business.
//
// Package libvirt implements the contract with libvirt, both for real machines and, without guests, with libvirt's test
// driver. Package hypertest is the suite that a driver must pass. Package image makes and checks the disks' files.
package hypervisor
