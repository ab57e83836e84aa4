package s3api

import "github.com/aureole-cloud/aureole/core/object"

// deleteObject: DELETE /bucket/key
func deleteObject(r *request) (*response, error) {
	conditions, err := r.deleteConditions()
	if err != nil {
		return nil, err
	}
	res, err := r.srv.objects.Delete(r.ctx, r.who, &object.DeleteInput{
		Bucket: r.bucket, Key: r.key, VersionID: r.query.get("versionId"), Conditions: conditions,
		BypassGovernance: r.bypassGovernance(),
	})
	if err != nil {
		return nil, err
	}
	resp := r.noContent()
	resp.set("x-amz-version-id", res.VersionID)
	if res.DeleteMarker {
		resp.set("x-amz-delete-marker", "true")
	}
	return resp, nil
}
