package iam

//go:generate go run github.com/tinylib/msgp@v1.6.5 -file records.go -o zz_generated_records.go -io=false -tests=false -unexported

//msgp:limit arrays:65536 maps:64

// The records below are MessagePack maps with short names. A field that is added later is unknown to older programs,
// which skip it; a change that older programs must not skip raises the schema byte in front of the record.

// accountRecord is the row of an account.
type accountRecord struct {
	ID          string `msg:"i"`
	CanonicalID string `msg:"c"`
	DisplayName string `msg:"d,omitempty"`
	Email       string `msg:"e,omitempty"`
	Created     int64  `msg:"t"` // unix seconds
}

// userRecord is the row of a user.
type userRecord struct {
	Account string   `msg:"a"`
	Name    string   `msg:"n"`
	ID      string   `msg:"i"`
	Owner   bool     `msg:"o,omitempty"` // the root of its account
	Keys    []string `msg:"k,omitempty"` // the ids of its access keys
	Created int64    `msg:"t"`
	Groups  []string `msg:"g,omitempty"` // of its account, by name
}

// groupRecord is the row of a group; who is in it stands with the users.
type groupRecord struct {
	Account string `msg:"a"`
	Name    string `msg:"n"`
	ID      string `msg:"i"`
	Created int64  `msg:"t"`
}

// policyRecord is the row of a policy that a user or a group holds.
type policyRecord struct {
	Account  string `msg:"a"`
	Kind     uint8  `msg:"k"` // HolderKind
	Holder   string `msg:"h"` // name of the user or group
	Name     string `msg:"n"`
	Document []byte `msg:"d"` // JSON, as it was put
	Changed  int64  `msg:"t"`
}

// keyRecord is the row of an access key.
type keyRecord struct {
	ID      string `msg:"i"`
	Account string `msg:"a"`
	User    string `msg:"u"`
	Sealed  []byte `msg:"s"` // the secret; see Sealer
	Created int64  `msg:"t"`
	Off     bool   `msg:"x,omitempty"` // it signs nothing until it is turned on again
}

// rootRecord is the one row that names the root account and its key.
type rootRecord struct {
	Account string `msg:"a"`
	User    string `msg:"u"`
	Key     string `msg:"k"`
}
