// Package compute knows the instances and the machine images of this cloud: what their owners asked for, what state they
// are in, and which host looks after them.
//
// # Guarantees
//
//   - Every change is one durable commit of the control shard. Making instances takes their rows, interfaces, addresses, tags,
//     quota and room on a host in one commit, so there is never a part of an instance.
//   - States move as EC2's do: pending, running, stopping, stopped, shutting-down, terminated, each with the reason EC2 would
//     give. An instance that was terminated stays visible for an hour.
//   - No host is given more than it has, and no account passes its quotas, however calls race: the commit checks both.
//   - What should be and what is are one row. Calls change what should be; hosts read that ([Service.Bound]), work towards it,
//     and report what they see ([Service.Report]), which changes what is. Neither loses what the other wrote.
//   - Reads are one snapshot and see every commit that returned before.
//
// # Instances and hosts
//
// The host is chosen by the commit that makes the instance: package schedule ranks the hosts of the same snapshot, and the
// commit holds only if the chosen one still has room. So an instance without a host does not exist, and a lack of capacity
// is the answer to the call, as it is with EC2. A row compute.b<host>/<instance> is written with every change of what should
// be; a host watches those. It is removed in the commit that makes the instance terminated, which comes only after the host
// has nothing left of it.
//
// # What it may not know
//
// Hypervisors, packets, files of disks and protocols: package agent brings instances to life, front ends speak EC2.
package compute
