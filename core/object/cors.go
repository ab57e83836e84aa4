package object

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aureole-cloud/aureole/core/iam"
)

// MaxCORSRules is how many CORS rules a bucket may have.
const MaxCORSRules = 100

// CORSRule says which pages may send which requests across origins, and what they get to see of the answers. An origin or
// header may hold one *.
type CORSRule struct {
	ID            string   `json:",omitempty"`
	Origins       []string // allowed
	Methods       []string // allowed
	Headers       []string `json:",omitempty"` // allowed in requests
	Expose        []string `json:",omitempty"` // of answers
	MaxAgeSeconds *int     `json:",omitempty"`
}

// errCORS: stored rules that could not have been put.
var errCORS = errors.New("object: CORS rules")

func parseCORS(data []byte) ([]CORSRule, error) {
	var rules []CORSRule
	if err := json.Unmarshal(data, &rules); err != nil {
		return nil, err
	}
	if len(rules) == 0 || len(rules) > MaxCORSRules {
		return nil, fmt.Errorf("%w: %d of them", errCORS, len(rules))
	}
	return rules, nil
}

// CORS returns the CORS rules of a bucket.
func (s *Service) CORS(ctx context.Context, who iam.Principal, bucket string) ([]CORSRule, error) {
	data, err := s.Setting(ctx, who, bucket, SettingCORS)
	if err != nil {
		return nil, err
	}
	rules, err := parseCORS(data)
	return rules, failed("object.CORS", bucket, err)
}

// PutCORS replaces the CORS rules of a bucket.
func (s *Service) PutCORS(ctx context.Context, who iam.Principal, bucket string, rules []CORSRule) error {
	data, err := json.Marshal(rules)
	if err != nil {
		return failed("object.PutCORS", bucket, err)
	}
	return s.PutSetting(ctx, who, bucket, SettingCORS, data)
}

// CORSRules returns the CORS rules that answers of a bucket follow. It authorizes nothing: browsers ask without
// credentials. The caller must not change them.
func (s *Service) CORSRules(ctx context.Context, name string) ([]CORSRule, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		return nil, failed("object.CORSRules", name, err)
	}
	return b.settings.cors, nil
}
