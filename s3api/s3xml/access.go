package s3xml

// PublicAccessBlock is the body of PutPublicAccessBlock.
type PublicAccessBlock struct {
	BlockPublicACLs       *bool `xml:"BlockPublicAcls"`
	IgnorePublicACLs      *bool `xml:"IgnorePublicAcls"`
	BlockPublicPolicy     *bool `xml:"BlockPublicPolicy"`
	RestrictPublicBuckets *bool `xml:"RestrictPublicBuckets"`
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
	Owner *struct {
		ID          string `xml:"ID"`
		DisplayName string `xml:"DisplayName"` // as lists that are read have it; nobody asks for it
	} `xml:"Owner"`
	List *struct {
		Grants []Grant `xml:"Grant"`
	} `xml:"AccessControlList"`
}

// Grant is one grant of an AccessControlPolicy; the grantee has the name that its type asks for.
type Grant struct {
	Grantee struct {
		Type  string `xml:"type,attr"`
		ID    string `xml:"ID"`
		URI   string `xml:"URI"`
		Email string `xml:"EmailAddress"`

		DisplayName string `xml:"DisplayName"` // as of the owner
	} `xml:"Grantee"`
	Permission string `xml:"Permission"`
}

// OwnershipControls is the body of PutBucketOwnershipControls.
type OwnershipControls struct {
	Rules []struct {
		ObjectOwnership string `xml:"ObjectOwnership"`
	} `xml:"Rule"`
}
