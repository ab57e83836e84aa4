package s3xml

// PublicAccessBlock is the body of PutPublicAccessBlock.
type PublicAccessBlock struct {
	BlockPublicACLs       bool `xml:"BlockPublicAcls"`
	IgnorePublicACLs      bool `xml:"IgnorePublicAcls"`
	BlockPublicPolicy     bool `xml:"BlockPublicPolicy"`
	RestrictPublicBuckets bool `xml:"RestrictPublicBuckets"`
}

// CORSConfiguration is the body of PutBucketCors.
type CORSConfiguration struct {
	Rules []CORSRule `xml:"CORSRule"`
}

// CORSRule is one rule of a CORSConfiguration.
type CORSRule struct {
	ID            string   `xml:"ID"`
	Origins       []string `xml:"AllowedOrigin"`
	Methods       []string `xml:"AllowedMethod"`
	Headers       []string `xml:"AllowedHeader"`
	Expose        []string `xml:"ExposeHeader"`
	MaxAgeSeconds *int     `xml:"MaxAgeSeconds"`
}

// AccessControlPolicy is the body of PutBucketAcl and PutObjectAcl.
type AccessControlPolicy struct {
	OwnerID string  `xml:"Owner>ID"`
	Grants  []Grant `xml:"AccessControlList>Grant"`
}

// Grant is one grant of an AccessControlPolicy; the grantee has one of the names.
type Grant struct {
	ID         string `xml:"Grantee>ID"`
	URI        string `xml:"Grantee>URI"`
	Email      string `xml:"Grantee>EmailAddress"`
	Permission string `xml:"Permission"`
}
