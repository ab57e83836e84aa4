package wire

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// subresources are the query parameters that SigV2 signs.
var subresources = []string{
	"acl", "accelerate", "cors", "delete", "encryption", "inventory", "lifecycle", "location", "logging", "metrics",
	"notification", "object-lock", "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock",
	"replication", "requestPayment", "response-cache-control", "response-content-disposition",
	"response-content-encoding", "response-content-language", "response-content-type", "response-expires", "restore",
	"retention", "legal-hold", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions",
	"website",
}

// SignV2 adds Date and Authorization to r in the old way.
func (s *Signer) SignV2(r *Request, now time.Time) {
	r.NoHash = true
	date := now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	r.Set("Date", date)
	r.Set("Authorization", "AWS "+s.Access+":"+s.v2(r, date))
}

// PresignV2 puts a SigV2 signature into the query.
func (s *Signer) PresignV2(r *Request, expires time.Time) {
	r.NoHash = true
	when := strconv.FormatInt(expires.Unix(), 10)
	sig := s.v2(r, when)
	if r.Query != "" {
		r.Query += "&"
	}
	r.Query += "AWSAccessKeyId=" + Escape(s.Access, false) + "&Signature=" + Escape(sig, false) + "&Expires=" + when
}

func (s *Signer) v2(r *Request, date string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + r.Get("Content-MD5") + "\n" + r.Get("Content-Type") + "\n")
	if r.Get("X-Amz-Date") == "" {
		b.WriteString(date)
	}
	b.WriteByte('\n')
	var amz []string
	for _, f := range r.Headers {
		if name := strings.ToLower(f.Name); strings.HasPrefix(name, "x-amz-") {
			amz = append(amz, name+":"+strings.TrimSpace(f.Value)+"\n")
		}
	}
	slices.Sort(amz)
	for _, line := range amz {
		b.WriteString(line)
	}
	b.WriteString(r.Path)
	var subs []string
	for p := range strings.SplitSeq(r.Query, "&") {
		name, value, has := strings.Cut(p, "=")
		if !slices.Contains(subresources, name) {
			continue
		}
		if has && value != "" {
			subs = append(subs, name+"="+unescape(value))
		} else {
			subs = append(subs, name)
		}
	}
	slices.Sort(subs)
	if len(subs) > 0 {
		b.WriteString("?" + strings.Join(subs, "&"))
	}
	mac := hmac.New(sha1.New, []byte(s.Secret))
	mac.Write([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(v))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
