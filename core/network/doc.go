// Package network knows the virtual networks of this cloud: VPCs, subnets, route tables, gateways, ACLs, DHCP options,
// security groups with their rules, interfaces and their addresses.
//
// # Guarantees
//
//   - All state lies in the control shard of the store, and every change is one commit: an interface never exists
//     without its addresses, nor an address without its interface.
//   - No address is given twice, whoever races for it: each is a row that a commit demands to be absent.
//   - Nothing is removed that something still uses, however both race: users are counted in the same commits.
//   - An account finds its default VPC (172.31.0.0/16) made when it first looks, once.
//   - Reads are memory only. The memory follows the store through a watch; what this Service changed is seen when the
//     call returns. What reads return is shared and immutable: do not change it.
//   - Quotas ([Limits]) are checked before a change and, where others could race past them, by its commit.
//
// # For core/compute: interfaces in the commit of an instance
//
// Compute puts what it needs of the network into its own batch through a [Tx]:
//
//	for {
//		b := &kv.Batch{}
//		tx := nets.Begin(b, account)
//		eni, err := tx.CreateInterface(network.InterfaceSpec{…, Attach: &network.Attach{Instance: id, …}})
//		// … the rows of the instance go into b …
//		tx.Flush() // once, last: all conditions and rows of the network are in b now
//		res, err := store.Commit(ctx, kv.Control, b)
//		switch {
//		case errors.Is(err, kv.ErrConditionFailed):
//			nets.CatchUp(ctx) // see what won, then decide anew
//			continue
//		case err == nil:
//			nets.Await(ctx, res.Index) // reads see it from here on
//		}
//	}
//
// Launch: [Tx.CreateInterface] (or [Tx.Attach] of an interface that exists). Stop: [Tx.StopInstance] gives back an
// automatic public address. Start: [Tx.StartInstance] takes a new one. Terminate: [Tx.ReleaseInstance] deletes the
// interfaces that go with their instance, detaches the others and lets go of every address.
//
// # For core/agent: what a host has to have
//
// [Service.Desired] derives the network of the interfaces that lie on one host: VPCs, subnets, routes, groups with the
// rules and members that concern it, public addresses. [Service.Changed] tells when to look again.
//
// # What it does not know
//
// No hypervisor, packet, host or protocol. It authorizes nothing: callers pass the account in whose name they act, and
// only what belongs to it is found.
package network
