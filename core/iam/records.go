package iam

//go:generate go run github.com/tinylib/msgp -file records.go -o zz_generated_records.go -io=false -tests=false -unexported

//msgp:limit arrays:1024 maps:64

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
}

// keyRecord is the row of an access key.
type keyRecord struct {
	ID      string `msg:"i"`
	Account string `msg:"a"`
	User    string `msg:"u"`
	Sealed  []byte `msg:"s"` // the secret; see Sealer
	Created int64  `msg:"t"`
}

// rootRecord is the one row that names the root account and its key.
type rootRecord struct {
	Account string `msg:"a"`
	User    string `msg:"u"`
	Key     string `msg:"k"`
}
