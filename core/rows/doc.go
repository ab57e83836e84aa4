// Package rows is what the domains of the control shard (accounts, keys, networks, instances) have in common: how a record
// is written into a row, which kind an error of the store has, and how a memory of rows is kept up to date.
//
// # Guarantees
//
//   - What [Schema.Encode] wrote, [Schema.Decode] reads. A record of a newer program is refused with [ErrSchema], never
//     read halfway; bytes that are no record are [ErrMalformed].
//   - A [Follower] applies every commit, in order, without gaps. When it loses the watch it lists all rows again; what was
//     known before stays readable until then.
//   - [Follower.Await] returns only when the memory holds the commit that was asked for, so that whoever changed a row
//     reads what it wrote.
//   - [Invalidate] reports every row that changed, or that it does not know which ones did.
//
// It knows no domain: rows are bytes below a prefix, records are whatever MessagePack can write.
package rows
