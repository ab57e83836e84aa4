package s3api

import (
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// tagList reads the tags of a document.
func tagList(in []s3xml.Tag) ([]object.Tag, error) {
	var tags []object.Tag
	for i := range in {
		if in[i].Key == nil || in[i].Value == nil {
			return nil, s3err.New(s3err.MalformedXML)
		}
		tags = append(tags, object.Tag{Key: *in[i].Key, Value: *in[i].Value})
	}
	return tags, nil
}

func (r *request) readTagging() ([]object.Tag, error) {
	var in s3xml.Tagging
	if err := r.readXML("Tagging", r.srv.cfg.Limits.XMLBody, mustDigest, &in); err != nil {
		return nil, err
	}
	if in.TagSet == nil { // an SDK that was given none leaves it out
		return nil, nil
	}
	return tagList(in.TagSet.Tags)
}

// tagSet lists tags by their keys: they are a set, and the order in which they came means nothing.
func tagSet(tags []object.Tag) []byte {
	tags = slices.SortedFunc(slices.Values(tags), func(a, b object.Tag) int { return strings.Compare(a.Key, b.Key) })
	x := s3xml.New("Tagging", 256+len(tags)*96)
	x.Open("TagSet")
	for i := range tags {
		x.Open("Tag")
		x.Text("Key", tags[i].Key)
		x.Text("Value", tags[i].Value)
		x.Close("Tag")
	}
	x.Close("TagSet")
	return x.Bytes()
}

// getObjectTagging: GET /bucket/key?tagging
func getObjectTagging(r *request) (*response, error) {
	tags, version, err := r.srv.objects.Tagging(r.ctx, r.who, r.bucket, r.key, r.query.get("versionId"))
	if err != nil {
		if errs.ReasonOf(err) == object.NoSuchKey { // this operation names the bucket as well, Amazon's recorded answers show
			return nil, s3err.From(err).With("Key", r.bucket+"/"+r.key)
		}
		return nil, atMarker(err)
	}
	resp := r.ok()
	resp.set("x-amz-version-id", version)
	resp.xml = tagSet(tags)
	return resp, nil
}

// putObjectTagging: PUT /bucket/key?tagging
func putObjectTagging(r *request) (*response, error) {
	tags, err := r.readTagging()
	if err != nil {
		return nil, err
	}
	version, err := r.srv.objects.PutTagging(r.ctx, r.who, r.bucket, r.key, r.query.get("versionId"), tags)
	if err != nil {
		return nil, atMarker(err)
	}
	resp := r.ok()
	resp.set("x-amz-version-id", version)
	return resp, nil
}

// deleteObjectTagging: DELETE /bucket/key?tagging
func deleteObjectTagging(r *request) (*response, error) {
	version, err := r.srv.objects.DeleteTagging(r.ctx, r.who, r.bucket, r.key, r.query.get("versionId"))
	if err != nil {
		return nil, atMarker(err)
	}
	resp := r.noContent()
	resp.set("x-amz-version-id", version)
	return resp, nil
}

// getBucketTagging: GET /bucket?tagging
func getBucketTagging(r *request) (*response, error) {
	tags, err := r.srv.objects.BucketTagging(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	resp := r.ok()
	resp.xml = tagSet(tags)
	return resp, nil
}

// putBucketTagging: PUT /bucket?tagging
func putBucketTagging(r *request) (*response, error) {
	tags, err := r.readTagging()
	if err != nil {
		return nil, err
	}
	if err := r.srv.objects.PutBucketTagging(r.ctx, r.who, r.bucket, tags); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}

// deleteBucketTagging: DELETE /bucket?tagging
func deleteBucketTagging(r *request) (*response, error) {
	if err := r.srv.objects.DeleteBucketTagging(r.ctx, r.who, r.bucket); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}
