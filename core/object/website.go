package object

import (
	"context"
	"encoding/json"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// MaxRoutingRules is how many routing rules a website may have.
const MaxRoutingRules = 50

// Website says how a bucket is served as a website.
type Website struct {
	Index       string           `json:",omitempty"` // suffix of what stands for a folder
	Error       string           `json:",omitempty"` // key of what is sent with an error
	RedirectAll *WebsiteRedirect `json:",omitempty"`
	Rules       []WebsiteRule    `json:",omitempty"`
}

// WebsiteRule redirects requests. Without a condition it is about all.
type WebsiteRule struct {
	Conditional bool            `json:",omitempty"`
	Prefix      *string         `json:",omitempty"` // of the key
	Status      string          `json:",omitempty"` // that the request would end with
	Redirect    WebsiteRedirect // where to
}

// WebsiteRedirect is where requests are sent. What it leaves out stays as it was.
type WebsiteRedirect struct {
	Host     string  `json:",omitempty"`
	Protocol string  `json:",omitempty"`
	Status   string  `json:",omitempty"` // "" is 301
	Key      *string `json:",omitempty"`
	Prefix   *string `json:",omitempty"` // in place of the rule's
}

func parseWebsite(data []byte) (*Website, error) {
	w := &Website{}
	return w, json.Unmarshal(data, w)
}

// WebsiteConfig returns the website configuration of a bucket.
func (s *Service) WebsiteConfig(ctx context.Context, who iam.Principal, bucket string) (*Website, error) {
	data, err := s.Setting(ctx, who, bucket, SettingWebsite)
	if err != nil {
		return nil, err
	}
	w, err := parseWebsite(data)
	return w, failed("object.WebsiteConfig", bucket, err)
}

// PutWebsiteConfig replaces the website configuration of a bucket.
func (s *Service) PutWebsiteConfig(ctx context.Context, who iam.Principal, bucket string, w *Website) error {
	data, err := json.Marshal(w)
	if err != nil {
		return failed("object.PutWebsiteConfig", bucket, err)
	}
	return s.PutSetting(ctx, who, bucket, SettingWebsite, data)
}

// WebsiteOf returns how a bucket is served. It authorizes nothing: whether there is a website is public, what is in it is
// decided object by object. The caller must not change it.
func (s *Service) WebsiteOf(ctx context.Context, bucket string) (*Website, error) {
	b, err := s.bucket(ctx, bucket)
	if err == nil && b.settings.website == nil {
		err = errs.New(errs.NotFound, NoSuchWebsite, "The specified bucket does not have a website configuration").On(bucket)
	}
	if err != nil {
		return nil, failed("object.WebsiteOf", bucket, err)
	}
	return b.settings.website, nil
}
