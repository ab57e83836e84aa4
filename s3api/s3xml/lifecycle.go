package s3xml

// LifecycleConfiguration is the body of PutBucketLifecycleConfiguration.
type LifecycleConfiguration struct {
	Rules []LifecycleRule `xml:"Rule"`
}

// LifecycleRule is one rule of a LifecycleConfiguration.
type LifecycleRule struct {
	ID         string           `xml:"ID"`
	Status     string           `xml:"Status"`
	Prefix     *string          `xml:"Prefix"`
	Filter     *LifecycleFilter `xml:"Filter"`
	Expiration *struct {
		Days    *int    `xml:"Days"`
		Date    *string `xml:"Date"`
		Markers *bool   `xml:"ExpiredObjectDeleteMarker"`
	} `xml:"Expiration"`
	Noncurrent *struct {
		Days *int `xml:"NoncurrentDays"`
		Keep *int `xml:"NewerNoncurrentVersions"`
	} `xml:"NoncurrentVersionExpiration"`
	Transitions []struct {
		Days  *int    `xml:"Days"`
		Date  *string `xml:"Date"`
		Class string  `xml:"StorageClass"`
	} `xml:"Transition"`
	NoncurrentTransitions []struct {
		Days  *int   `xml:"NoncurrentDays"`
		Keep  *int   `xml:"NewerNoncurrentVersions"`
		Class string `xml:"StorageClass"`
	} `xml:"NoncurrentVersionTransition"`
	Abort *struct {
		Days *int `xml:"DaysAfterInitiation"`
	} `xml:"AbortIncompleteMultipartUpload"`
}

// LifecycleFilter is the Filter of a rule.
type LifecycleFilter struct {
	Prefix      *string       `xml:"Prefix"`
	Tag         *Tag          `xml:"Tag"`
	GreaterThan *int64        `xml:"ObjectSizeGreaterThan"`
	LessThan    *int64        `xml:"ObjectSizeLessThan"`
	And         *LifecycleAnd `xml:"And"`
}

// LifecycleAnd is the And of a filter.
type LifecycleAnd struct {
	Prefix      *string `xml:"Prefix"`
	Tags        []Tag   `xml:"Tag"`
	GreaterThan *int64  `xml:"ObjectSizeGreaterThan"`
	LessThan    *int64  `xml:"ObjectSizeLessThan"`
}

// RestoreRequest is the body of RestoreObject.
type RestoreRequest struct {
	Days *int   `xml:"Days"`
	Tier string `xml:"Tier"`
	Type string `xml:"Type"`
	Job  *struct {
		Tier string `xml:"Tier"`
	} `xml:"GlacierJobParameters"`
	Description string  `xml:"Description"` // of the job, which nobody sees
	Select      *Unread `xml:"SelectParameters"`
	Output      *Unread `xml:"OutputLocation"`
}
