// Package kms is the key service: master keys that never leave it, and data keys sealed by them.
//
// A key is named by its id (a UUID), its ARN, an alias or an alias's ARN, within an account. A shared key belongs to one
// account and is known to all. Rotating a key gives it new
// material for what is sealed from then on; older material stays and opens what it sealed. Two kinds of keys are made on
// demand: alias/aws/s3 of each account, and the store's own key, ManagedKey, which belongs to no account.
//
// Guarantees: key material is stored sealed by the node key and is in the clear in memory only; a data key is sealed
// with AES-256-GCM and bound to its key, the version of the material and the caller's context; a change is durable and
// seen by every later call on this node when it returns, and by other nodes as their watch catches up; a disabled key
// seals and opens nothing.
//
// It needs a store and the node's sealer. It knows nothing of what is encrypted, and decides nothing about who may use a
// key: callers ask package iam.
package kms
