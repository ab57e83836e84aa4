package s3api

import (
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// createMultipartUpload: POST /bucket/key?uploads
func createMultipartUpload(r *request) (*response, error) {
	acl, err := r.objectOptions()
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
	alg, typ, err := r.uploadChecksum()
	if err != nil {
		return nil, err
	}
	up, err := r.srv.objects.CreateUpload(r.ctx, r.who, &object.CreateUploadInput{
		Bucket: r.bucket, Key: r.key,
		Headers:           r.contentHeaders(),
		Metadata:          r.userMetadata(),
		Tags:              tags,
		StorageClass:      r.header("x-amz-storage-class"),
		Lock:              lock,
		ACL:               acl,
		ChecksumAlgorithm: alg,
		ChecksumType:      typ,
		Encryption:        r.encryption(),
	})
	if err != nil {
		return nil, err
	}
	x := s3xml.New("InitiateMultipartUploadResult", 512)
	x.Text("Bucket", r.bucket)
	x.Text("Key", r.key)
	x.Text("UploadId", up.UploadID)
	resp := r.ok()
	if alg != 0 {
		resp.set("x-amz-checksum-algorithm", up.ChecksumAlgorithm.String())
		resp.set(hdrChecksumType, up.ChecksumType.String())
	}
	resp.setAbort(up.Aborts)
	resp.setEncryption(&up.Encryption)
	resp.xml = x.Bytes()
	return resp, nil
}
