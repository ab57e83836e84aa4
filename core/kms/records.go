package kms

//go:generate go run github.com/tinylib/msgp@v1.6.5 -file records.go -o zz_generated_records.go -io=false -tests=false -unexported

//msgp:limit arrays:65536 maps:64

// The records below are MessagePack maps with short names, behind a schema byte. A field that is added later is skipped
// by older programs; a change that they must not skip raises the schema byte.

// keyRecord is the row of a key.
type keyRecord struct {
	Account     string           `msg:"a,omitempty"` // "" for the store's own key
	Description string           `msg:"d,omitempty"`
	Aliases     []string         `msg:"l,omitempty"`
	Managed     bool             `msg:"m,omitempty"` // made on demand
	Shared      bool             `msg:"s,omitempty"` // every account may use it
	Disabled    bool             `msg:"x,omitempty"`
	Created     int64            `msg:"t"` // unix seconds
	Materials   []materialRecord `msg:"v"` // oldest first; the last one seals
}

// materialRecord is one version of a key's material.
type materialRecord struct {
	Created int64  `msg:"t"` // unix seconds
	Sealed  []byte `msg:"s"` // by the node key
}
