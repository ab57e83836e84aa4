package iam

import (
	"github.com/aureole-cloud/aureole/core/rows"
)

// Rows of the control shard, which is shared with other domains: hence the common prefix. Account ids have
// one length, so what follows them needs no mark.
const (
	rowPrefix    = "iam."
	rowAccount   = "iam.a"
	rowCanonical = "iam.c"
	rowGroup     = "iam.g"
	rowKey       = "iam.k"
	rowOwner     = "iam.o"
	rowPolicy    = "iam.p"
	rowRoot      = "iam.r"
	rowUser      = "iam.u"
)

func accountRow(id string) []byte         { return []byte(rowAccount + id) }
func canonicalRow(id string) []byte       { return []byte(rowCanonical + id) }
func keyRow(id string) []byte             { return []byte(rowKey + id) }
func ownerRow(name string) []byte         { return []byte(rowOwner + name) }
func rootRow() []byte                     { return []byte(rowRoot) }
func userRow(account, name string) []byte { return []byte(rowUser + account + name) }
func groupRow(account, name string) []byte {
	return []byte(rowGroup + account + name)
}

// policyRow ends the holder's name by a NUL, which no name holds.
func policyRow(h Holder, name string) []byte {
	return []byte(rowPolicy + h.Account + string(rune('0'+h.Kind)) + h.Name + "\x00" + name)
}

// schema is the version of every record of this package.
const schema rows.Schema = 1
