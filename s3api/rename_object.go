package s3api

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// renameObject: PUT /bucket/key?renameObject with x-amz-rename-source. Amazon has it in directory buckets only.
func renameObject(r *request) (*response, error) {
	v := r.header("x-amz-rename-source")
	source := strings.TrimPrefix(unescape(v, false), "/")
	// Clients send the key with or without the bucket, which must be the same one.
	source = strings.TrimPrefix(source, r.bucket+"/")
	if source == "" || !validKeyText(source) {
		return nil, s3err.Argument("x-amz-rename-source", v, "Rename Source must mention the source key")
	}
	err := r.srv.objects.Rename(r.ctx, r.who, &object.RenameInput{
		Bucket: r.bucket, Source: source, Key: r.key,
		SrcConditions: r.readConditions("x-amz-rename-source-"),
		Conditions:    r.readConditions(""),
		Token:         r.header("x-amz-client-token"),
	})
	if err != nil {
		if e := s3err.From(err); e.Code == s3err.NoSuchKey {
			return nil, e.With("Key", source)
		}
		return nil, err
	}
	return r.ok(), nil
}
