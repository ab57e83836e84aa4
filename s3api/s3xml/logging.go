package s3xml

// BucketLoggingStatus is the body of PutBucketLogging.
type BucketLoggingStatus struct {
	Enabled *struct {
		TargetBucket *string `xml:"TargetBucket"`
		TargetPrefix *string `xml:"TargetPrefix"`
		Grants       []Grant `xml:"TargetGrants>Grant"`
		Format       *struct {
			Simple      *struct{} `xml:"SimplePrefix"`
			Partitioned *struct {
				DateSource string `xml:"PartitionDateSource"`
			} `xml:"PartitionedPrefix"`
		} `xml:"TargetObjectKeyFormat"`
	} `xml:"LoggingEnabled"`
}
