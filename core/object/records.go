package object

//go:generate go run github.com/tinylib/msgp@v1.6.5 -file records.go -o zz_generated_records.go -io=false -tests=false -unexported

//msgp:limit arrays:65536 maps:1024

// The records below are MessagePack maps with short names. A field that is added later is unknown to older programs,
// which skip it; a change that older programs must not skip raises the schema byte in front of the record.

// detail is the part of a version's record that listings do not need.
type detail struct {
	ContentType        string `msg:"ct,omitempty"`
	CacheControl       string `msg:"cc,omitempty"`
	ContentDisposition string `msg:"cd,omitempty"`
	ContentEncoding    string `msg:"ce,omitempty"`
	ContentLanguage    string `msg:"cl,omitempty"`
	Expires            string `msg:"ex,omitempty"`
	WebsiteRedirect    string `msg:"wr,omitempty"`

	Meta  []string `msg:"m,omitempty"` // name, value, name, value …
	Tags  []string `msg:"t,omitempty"` // key, value, key, value …
	Blobs []byte   `msg:"b,omitempty"` // the pieces of a body, when they are few: packed references
	Body  []byte   `msg:"y,omitempty"` // a tiny body, with flagInRecord

	LockMode  uint8 `msg:"lm,omitempty"` // LockMode
	LockUntil int64 `msg:"lu,omitempty"` // unix milliseconds
	Hold      uint8 `msg:"lh,omitempty"` // LegalHold

	RestoreAt    int64  `msg:"ra,omitempty"` // unix milliseconds: from when an archived body can be read
	RestoreUntil int64  `msg:"ru,omitempty"` // and until when
	ACL          []byte `msg:"ac,omitempty"` // grants of the access control list; none when it is the owner's full control alone
	Home         string `msg:"h,omitempty"`  // the key that the blobs were written for, when the object was renamed since
	Renamed      string `msg:"rn,omitempty"` // token and source of the renaming

	Enc          uint8  `msg:"e,omitempty"`  // EncryptionMethod
	EncKey       []byte `msg:"ek,omitempty"` // the data key, sealed
	EncID        string `msg:"ei,omitempty"` // ARN of the key that sealed it
	EncContext   string `msg:"ec,omitempty"`
	EncBucketKey bool   `msg:"eb,omitempty"` // as asked; it changes nothing here

	Replication     uint8  `msg:"rs,omitempty"` // ReplicationStatus
	ReplicationLeft uint32 `msg:"rl,omitempty"` // destinations that have not answered
}

// bucketRecord is what the control shard knows of a bucket.
type bucketRecord struct {
	ID          uint64   `msg:"i"`
	Region      string   `msg:"r,omitempty"`
	Account     string   `msg:"a"`
	CanonicalID string   `msg:"c,omitempty"`
	DisplayName string   `msg:"d,omitempty"`
	Created     int64    `msg:"t"` // unix milliseconds
	Tags        []string `msg:"g,omitempty"`
}

// presence is the row in a bucket's own shard that every write is conditioned on. It holds what decides how a write is
// done, so that a write never follows a state that is no longer true.
type presence struct {
	Name       string `msg:"n"`
	Versioning uint8  `msg:"v,omitempty"`

	Lock      bool   `msg:"l,omitempty"` // versions can be locked; never taken back
	LockMode  uint8  `msg:"lm,omitempty"`
	LockDays  uint32 `msg:"ld,omitempty"`
	LockYears uint32 `msg:"ly,omitempty"`

	Enc          uint8  `msg:"e,omitempty"` // EncryptionMethod of new objects
	EncID        string `msg:"ei,omitempty"`
	EncBucketKey bool   `msg:"eb,omitempty"`
	EncBlocked   bool   `msg:"ex,omitempty"` // customers' keys are refused

	QuotaObjects int64 `msg:"qo,omitempty"`
	QuotaBytes   int64 `msg:"qb,omitempty"`
}

// quotaRecord is the quota of an account.
type quotaRecord struct {
	Objects int64 `msg:"o,omitempty"`
	Bytes   int64 `msg:"b,omitempty"`
}

// intent is a change of a bucket that spans shards and is under way.
type intent struct {
	Kind    uint8        `msg:"k"` // intentCreate or intentDelete
	Bucket  bucketRecord `msg:"b"`
	Started int64        `msg:"t"` // unix milliseconds
}

// uploadRecord is a multipart upload under way.
type uploadRecord struct {
	Detail        detail `msg:"d"`
	Class         uint8  `msg:"s,omitempty"`
	Algorithm     uint8  `msg:"a,omitempty"` // of the object's checksum
	Type          uint8  `msg:"y,omitempty"`
	Asked         bool   `msg:"k,omitempty"` // the client asked for the algorithm; else it is the default
	Over          bool   `msg:"v,omitempty"` // the key had an object when the upload began
	Owner         string `msg:"o,omitempty"` // account; "" is the bucket's
	Initiator     string `msg:"i,omitempty"` // account
	InitiatorID   string `msg:"ic,omitempty"`
	InitiatorName string `msg:"in,omitempty"`
}

// doneRecord remembers what completing an upload made, so that the request may be sent again.
type doneRecord struct {
	Instance []byte `msg:"i"`
	Parts    []byte `msg:"p"` // SHA-256 of the list of parts it was completed with
}

// outboxRecord is something that happened to a version and that somebody elsewhere is to be told.
type outboxRecord struct {
	Event     uint8  `msg:"e"`
	Key       string `msg:"k"`
	Instance  []byte `msg:"i"`
	VersionID string `msg:"v,omitempty"`
	Size      int64  `msg:"s,omitempty"`
	ETag      string `msg:"t,omitempty"`
	Time      int64  `msg:"m"` // unix milliseconds
	Class     uint8  `msg:"c,omitempty"`
	Until     int64  `msg:"u,omitempty"` // unix milliseconds: the end of a restore
	Principal string `msg:"p,omitempty"`
	Address   string `msg:"a,omitempty"`
	Request   string `msg:"r,omitempty"`
	Host      string `msg:"h,omitempty"`
}

// lifecycleRecord says how far the lifecycle rules of a bucket were carried out. It is there while the bucket has rules.
type lifecycleRecord struct {
	Bucket  uint64 `msg:"b"`
	Started int64  `msg:"s,omitempty"` // of the last pass, unix milliseconds; 0: the rules are new
	Ended   int64  `msg:"e,omitempty"` // 0 while it is under way
	Phase   uint8  `msg:"p,omitempty"`
	Row     []byte `msg:"r,omitempty"` // what lies before it in the phase's family was seen
}

// shardMap says which index shard holds which range of (bucket, key). It is fixed when the store is made.
type shardMap struct {
	Version uint64       `msg:"v"`
	Ranges  []shardRange `msg:"r"`
}

// shardRange is the part of the key space from From, a bucket id in 8 bytes and perhaps a key, to the next range.
type shardRange struct {
	From  []byte `msg:"f"`
	Shard uint16 `msg:"s"`
}
