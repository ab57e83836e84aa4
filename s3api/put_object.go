package s3api

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// putObject: PUT /bucket/key
func putObject(r *request) (*response, error) {
	acl, err := r.objectOptions()
	if err != nil {
		return nil, err
	}
	conditions, err := r.writeConditions()
	if err != nil {
		return nil, err
	}
	tags, err := r.taggingHeader()
	if err != nil {
		return nil, err
	}
	lock, err := r.lockHeaders()
	if err != nil {
		return nil, err
	}
	up, err := r.openUpload(object.MaxPutSize)
	if err != nil {
		return nil, err
	}
	if lock != (object.ObjectLock{}) && up.md5 == nil && len(up.checksums) == 0 {
		return nil, s3err.Newf(s3err.InvalidRequest,
			"Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
	}
	res, err := r.srv.objects.Put(r.ctx, r.who, &object.PutInput{
		Bucket: r.bucket, Key: r.key,
		Body: up.body, Size: up.size,
		Headers:      r.contentHeaders(),
		Metadata:     r.userMetadata(),
		Tags:         tags,
		StorageClass: r.header("x-amz-storage-class"),
		Lock:         lock,
		ACL:          acl,
		ContentMD5:   up.md5,
		Checksums:    up.checksums,
		Conditions:   conditions,
		Encryption:   r.encryption(),
	})
	if err != nil {
		return nil, up.explain(err)
	}
	r.bytesIn, r.version = res.Size, res.VersionID
	resp := r.ok()
	resp.set("ETag", quoted(res.ETag))
	resp.setMade(res.VersionID)
	resp.setExpiry(res.Expires)
	resp.setChecksums(res.Checksums, true)
	resp.setEncryption(&res.Encryption)
	return resp, nil
}

// objectOptions refuses what an object written now cannot be (storing it without what was asked for would be worse), and reads
// its access control list.
func (r *request) objectOptions() (object.ACLInput, error) {
	lists := false
	for i := range r.headers {
		name := r.headers[i].Name
		if !hasPrefixFold(name, "x-amz-") {
			continue
		}
		switch value := r.headers[i].Value; strings.ToLower(name) {
		case "x-amz-write-offset-bytes":
			return object.ACLInput{}, s3err.Header("x-amz-write-offset-bytes")
		case hdrEventHold, hdrEventHoldDays, hdrEventHoldYears:
			if err := refuseEventHold(strings.ToLower(name), value); err != nil {
				return object.ACLInput{}, err
			}
		case "x-amz-acl", "x-amz-grant-read", "x-amz-grant-write", "x-amz-grant-read-acp", "x-amz-grant-write-acp", "x-amz-grant-full-control":
			lists = true
		case "x-amz-website-redirect-location":
			if value != "" && value[0] != '/' && !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://") {
				return object.ACLInput{}, s3err.Newf(s3err.InvalidRequest, "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.")
			}
		}
	}
	if !lists {
		return object.ACLInput{}, nil
	}
	return r.aclHeaders(cannedObjectACL)
}
