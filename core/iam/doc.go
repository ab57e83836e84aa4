// Package iam knows who may use this cloud: accounts, users and their access keys, the principal that a key
// stands for, and whether a principal may do something.
//
// # Guarantees
//
//   - Every change is one durable transaction; a user whose creation returned can sign requests at once.
//   - Secrets rest sealed with the node's key ([Sealer]) and are never logged: they travel as [Secret].
//   - [Service.Secret] and [Service.Authorize], which every request calls, read memory only. The memory
//     follows the store through a watch, so a change made elsewhere is seen within moments; what this
//     Service changed itself is seen when the call returns.
//   - Nothing is allowed that no rule allows; what cannot be decided is denied.
//
// # What it does not do
//
// It verifies no signature (core/sigv4 does) and knows no protocol. It keeps no policies of resources: whoever owns the
// resource sends them along in [Request]. Users have no policies yet.
//
// # Rows of the control shard
//
//	iam.a<account>               account
//	iam.c<canonical id>          its account, so that canonical ids stay unique
//	iam.u<account><user>         user
//	iam.k<access key>            key: sealed secret, account, user
//	iam.o<user>                  the account that the user owns, so that owners' names are unique
//	iam.r                        which account and key are the root's
//
// The rows of a user and of its keys are written and removed together.
package iam
