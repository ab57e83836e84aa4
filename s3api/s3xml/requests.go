package s3xml

// The bodies of requests. Pointers tell an element that is there from one that is not.

// CreateBucketConfiguration is the body of CreateBucket.
type CreateBucketConfiguration struct {
	LocationConstraint string `xml:"LocationConstraint"`
	Location           *struct {
		Type string `xml:"Type"`
		Name string `xml:"Name"`
	} `xml:"Location"`
	Bucket *struct {
		Type           string `xml:"Type"`
		DataRedundancy string `xml:"DataRedundancy"`
	} `xml:"Bucket"`
	Tags []Tag `xml:"Tags>Tag"`
}

// Tag is a tag of a bucket or an object.
type Tag struct {
	Key   *string `xml:"Key"`
	Value *string `xml:"Value"`
}

// TagResourceRequest is the body of TagResource.
type TagResourceRequest struct {
	Tags []Tag `xml:"Tags>Tag"`
}

// Tagging is the body of PutObjectTagging and PutBucketTagging.
type Tagging struct {
	TagSet *struct {
		Tags []Tag `xml:"Tag"`
	} `xml:"TagSet"`
}

// Delete is the body of DeleteObjects.
type Delete struct {
	Quiet   bool           `xml:"Quiet"`
	Objects []DeleteObject `xml:"Object"`
}

// DeleteObject names one object of a Delete, and its conditions.
type DeleteObject struct {
	Key              string `xml:"Key"`
	VersionID        string `xml:"VersionId"`
	ETag             string `xml:"ETag"`
	LastModifiedTime string `xml:"LastModifiedTime"`
	Size             *int64 `xml:"Size"`
}

// CompleteMultipartUpload is the body of the operation of that name.
type CompleteMultipartUpload struct {
	Parts []CompletedPart `xml:"Part"`
}

// CompletedPart is one part of a CompleteMultipartUpload.
type CompletedPart struct {
	PartNumber        *int   `xml:"PartNumber"`
	ETag              string `xml:"ETag"`
	ChecksumCRC32     string `xml:"ChecksumCRC32"`
	ChecksumCRC32C    string `xml:"ChecksumCRC32C"`
	ChecksumCRC64NVME string `xml:"ChecksumCRC64NVME"`
	ChecksumSHA1      string `xml:"ChecksumSHA1"`
	ChecksumSHA256    string `xml:"ChecksumSHA256"`
	ChecksumSHA512    string `xml:"ChecksumSHA512"`
	ChecksumMD5       string `xml:"ChecksumMD5"`
	ChecksumXXHASH64  string `xml:"ChecksumXXHASH64"`
	ChecksumXXHASH3   string `xml:"ChecksumXXHASH3"`
	ChecksumXXHASH128 string `xml:"ChecksumXXHASH128"`
}

// Checksums calls f for every checksum of the part, by the name of its algorithm.
func (p *CompletedPart) Checksums(f func(algorithm, value string)) {
	for _, c := range [...]struct{ name, value string }{
		{"CRC32", p.ChecksumCRC32}, {"CRC32C", p.ChecksumCRC32C}, {"CRC64NVME", p.ChecksumCRC64NVME},
		{"SHA1", p.ChecksumSHA1}, {"SHA256", p.ChecksumSHA256}, {"SHA512", p.ChecksumSHA512}, {"MD5", p.ChecksumMD5},
		{"XXHASH64", p.ChecksumXXHASH64}, {"XXHASH3", p.ChecksumXXHASH3}, {"XXHASH128", p.ChecksumXXHASH128},
	} {
		if c.value != "" {
			f(c.name, c.value)
		}
	}
}

// VersioningConfiguration is the body of PutBucketVersioning.
type VersioningConfiguration struct {
	Status    *string `xml:"Status"`
	MfaDelete string  `xml:"MfaDelete"`
}

// ObjectLockConfiguration is the body of PutObjectLockConfiguration.
type ObjectLockConfiguration struct {
	ObjectLockEnabled string `xml:"ObjectLockEnabled"`
	Rule              *struct {
		DefaultRetention *struct {
			Mode  string `xml:"Mode"`
			Days  *int32 `xml:"Days"`
			Years *int32 `xml:"Years"`

			EventHold *Unread `xml:"DefaultEventHold"`
		} `xml:"DefaultRetention"`
	} `xml:"Rule"`
}

// Retention is the body of PutObjectRetention.
type Retention struct {
	Mode            string `xml:"Mode"`
	RetainUntilDate string `xml:"RetainUntilDate"`

	EventHold         *Unread `xml:"EventHold"`
	EventHoldDuration *Unread `xml:"EventHoldDuration"`
}

// LegalHold is the body of PutObjectLegalHold.
type LegalHold struct {
	Status string `xml:"Status"`
}
