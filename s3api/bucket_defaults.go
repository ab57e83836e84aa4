package s3api

import (
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// Configurations that cannot be set yet still have a true answer: that there are none, or what every bucket is. Clients
// ask for many of them (Terraform on each refresh) and stop when one is not implemented.

// static answers with the same document for every bucket that the caller may see.
func static(root string, fill func(*s3xml.Doc)) handler {
	return func(r *request) (*response, error) {
		if _, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket); err != nil {
			return nil, err
		}
		x := s3xml.New(root, 256)
		fill(x)
		resp := r.ok()
		resp.xml = x.Bytes()
		return resp, nil
	}
}

// absent answers that a bucket has no such configuration.
func absent(code s3err.Code) handler {
	return func(r *request) (*response, error) {
		if _, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket); err != nil {
			return nil, err
		}
		return nil, s3err.New(code)
	}
}

// removed answers that a configuration, which no bucket has, is gone.
func removed(r *request) (*response, error) {
	if _, err := r.srv.objects.HeadBucket(r.ctx, r.who, r.bucket); err != nil {
		return nil, err
	}
	return r.noContent(), nil
}
