package s3api

import (
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// Buckets are BucketOwnerEnforced, as Amazon makes new ones: access control lists are off, and whoever asks is told that the
// owner has full control. Requests that would say just that are taken.

func cannedBucketACL(v string) bool {
	switch v {
	case "", "private", "public-read", "public-read-write", "authenticated-read", "log-delivery-write":
		return true
	}
	return false
}

func cannedObjectACL(v string) bool {
	switch v {
	case "", "private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
		"bucket-owner-full-control":
		return true
	}
	return false
}

// ownerOnly reports whether a canned ACL gives nobody but the owner anything.
func ownerOnly(v string) bool {
	return v == "" || v == "private" || v == "bucket-owner-full-control" || v == "bucket-owner-read"
}

// hasGrants reports whether an x-amz-grant-* header was sent.
func (r *request) hasGrants() bool {
	for i := range r.headers {
		if hasPrefixFold(r.headers[i].Name, "x-amz-grant-") {
			return true
		}
	}
	return false
}

// getBucketACL: GET /bucket?acl
func getBucketACL(r *request) (*response, error) {
	b, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	return r.ownerACL(b.Owner), nil
}

// getObjectACL: GET /bucket/key?acl
func getObjectACL(r *request) (*response, error) {
	o, err := r.srv.objects.Head(r.ctx, r.who, &object.GetInput{Bucket: r.bucket, Key: r.key, VersionID: r.query.get("versionId")})
	if err != nil {
		return nil, err
	}
	resp := r.ownerACL(o.Owner)
	resp.set("x-amz-version-id", o.VersionID)
	return resp, nil
}

func (r *request) ownerACL(o object.Owner) *response {
	x := s3xml.New("AccessControlPolicy", 512)
	x.Owner("Owner", o.CanonicalID, o.DisplayName)
	x.Open("AccessControlList")
	x.Open("Grant")
	x.OpenGrantee("CanonicalUser")
	x.Text("ID", o.CanonicalID)
	x.Optional("DisplayName", o.DisplayName)
	x.Close("Grantee")
	x.Text("Permission", "FULL_CONTROL")
	x.Close("Grant")
	x.Close("AccessControlList")
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp
}

// putBucketACL: PUT /bucket?acl
func putBucketACL(r *request) (*response, error) {
	b, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	acl := r.header("x-amz-acl")
	switch {
	case !cannedBucketACL(acl):
		return nil, s3err.Argument("x-amz-acl", acl, "Unknown canned ACL")
	case acl == "private" && !r.hasGrants():
		return r.ok(), nil
	}
	return r.takeOwnerACL(acl, b.Owner)
}

// putObjectACL: PUT /bucket/key?acl
func putObjectACL(r *request) (*response, error) {
	o, err := r.srv.objects.Head(r.ctx, r.who, &object.GetInput{Bucket: r.bucket, Key: r.key, VersionID: r.query.get("versionId")})
	if err != nil {
		return nil, err
	}
	acl := r.header("x-amz-acl")
	switch {
	case !cannedObjectACL(acl):
		return nil, s3err.Argument("x-amz-acl", acl, "Unknown canned ACL")
	case acl != "" && ownerOnly(acl) && !r.hasGrants():
		return r.ok(), nil
	}
	return r.takeOwnerACL(acl, o.Owner)
}

// takeOwnerACL takes a document that gives the owner full control and nobody else anything, which changes nothing: what a client
// gets when it asks and writes back (s3cmd does after a copy). All else needs access control lists, which are off.
func (r *request) takeOwnerACL(canned string, owner object.Owner) (*response, error) {
	refused := s3err.New(s3err.AccessControlListNotSupported)
	if canned != "" || r.hasGrants() {
		return nil, refused
	}
	var in s3xml.AccessControlPolicy
	there, err := r.readOptionalXML("AccessControlPolicy", &in)
	switch {
	case err != nil:
		return nil, err
	case !there || len(in.Grants) == 0 || in.OwnerID != "" && in.OwnerID != owner.CanonicalID:
		return nil, refused
	}
	for _, g := range in.Grants {
		if g.ID != owner.CanonicalID || g.URI != "" || g.Email != "" || g.Permission != "FULL_CONTROL" {
			return nil, refused
		}
	}
	return r.ok(), nil
}
