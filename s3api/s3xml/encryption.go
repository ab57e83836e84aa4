package s3xml

// ServerSideEncryptionConfiguration is the body of PutBucketEncryption.
type ServerSideEncryptionConfiguration struct {
	Rules []EncryptionRule `xml:"Rule"`
}

// EncryptionRule is its rule.
type EncryptionRule struct {
	Default *struct {
		SSEAlgorithm   string `xml:"SSEAlgorithm"`
		KMSMasterKeyID string `xml:"KMSMasterKeyID"`
	} `xml:"ApplyServerSideEncryptionByDefault"`
	BucketKeyEnabled bool `xml:"BucketKeyEnabled"`
	Blocked          *struct {
		Types []string `xml:"EncryptionType"`
	} `xml:"BlockedEncryptionTypes"`
}
