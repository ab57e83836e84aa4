package s3api

import (
	"cmp"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/s3api/postpolicy"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// postForm is a browser-based upload up to its file: the fields in lower case, and the file to be streamed.
type postForm struct {
	fields   map[string]string
	filename string
	file     io.Reader
	finish   func() error // after the end of file: whether the form ended as it must
}

// postObject: POST /bucket with multipart/form-data
func postObject(r *request) (*response, error) {
	up, form, err := r.openForm()
	if err != nil {
		return nil, err
	}
	r.form = form.fields
	policy, err := r.authenticateForm(form)
	if err != nil {
		return nil, err
	}
	in, err := r.formInput(form)
	if err != nil {
		return nil, err
	}
	in.MaxSize = object.MaxPutSize
	body := &sizedFile{src: form.file, finish: form.finish}
	if policy != nil {
		in.MaxSize = min(policy.MaxSize, in.MaxSize)
		body.least = policy.MinSize
	}
	body.most = in.MaxSize
	in.Body = body
	res, err := r.srv.objects.Put(r.ctx, r.who, in)
	if err != nil {
		if body.failed != nil {
			err = body.failed
		}
		return nil, up.explain(err)
	}
	r.key = in.Key // for the log
	return r.posted(form, in, res), nil
}

// openForm reads the fields in front of the file.
func (r *request) openForm() (*upload, *postForm, error) {
	media, params, err := mime.ParseMediaType(r.header("Content-Type"))
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		return nil, nil, s3err.New(s3err.PreconditionFailed).
			With("Condition", "Bucket POST must be of the enclosure-type multipart/form-data")
	}
	up, err := r.openBody(math.MaxInt64)
	if err != nil {
		return nil, nil, err
	}
	limit := r.srv.cfg.Limits.PostFields
	// What surrounds the values (boundaries, part headers, read-ahead) is bounded by as much again and a buffer.
	budget := &budgeted{src: up.body, left: 2*limit + 16<<10}
	parts := multipart.NewReader(budget, params["boundary"])
	form := &postForm{fields: make(map[string]string)}
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return nil, nil, up.explain(formFailure(err, budget))
		}
		name := strings.ToLower(part.FormName())
		if name == "" {
			return nil, nil, s3err.New(s3err.MalformedPOSTRequest)
		}
		if name == "file" {
			budget.left = math.MaxInt64
			form.filename = part.FileName()
			form.file = part
			form.finish = func() error { return endOfForm(parts, up) }
			return up, form, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, limit+1))
		if err != nil {
			return nil, nil, up.explain(formFailure(err, budget))
		}
		if limit -= int64(len(name) + len(value)); limit < 0 {
			return nil, nil, s3err.New(s3err.MaxPostPreDataLengthExceeded)
		}
		if _, twice := form.fields[name]; !twice {
			form.fields[name] = string(value)
		}
	}
}

// maxEpilogue bounds what follows the file: the last boundary, and fields that S3 does not look at.
const maxEpilogue = 64 << 10

// endOfForm checks that the file was not merely cut off: the form is closed by its boundary, and the body by its length.
func endOfForm(parts *multipart.Reader, up *upload) error {
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF { // bare: the closing boundary was there; a wrapped one is an early end
			break
		}
		if err != nil {
			return s3err.New(s3err.MalformedPOSTRequest).WithCause(err)
		}
		if strings.EqualFold(part.FormName(), "file") {
			return s3err.New(s3err.IncorrectNumberOfFilesInPost)
		}
		if n, err := io.CopyN(io.Discard, part, maxEpilogue); err == nil || n == maxEpilogue {
			return s3err.New(s3err.MaxPostPreDataLengthExceeded)
		}
	}
	switch n, err := io.CopyN(io.Discard, up.body, maxEpilogue); {
	case n == maxEpilogue:
		return s3err.New(s3err.MalformedPOSTRequest)
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// formFailure says what is wrong with a form that could not be read up to its file.
func formFailure(err error, b *budgeted) error {
	switch {
	case b.left <= 0:
		return s3err.New(s3err.MaxPostPreDataLengthExceeded)
	case err == io.EOF: // bare: closed before there was a file
		return s3err.New(s3err.IncorrectNumberOfFilesInPost)
	}
	var known *s3err.Error
	if e := s3err.From(err); errors.As(err, &known) || e.Status < http.StatusInternalServerError {
		return e
	}
	return s3err.New(s3err.MalformedPOSTRequest)
}

// authenticateForm verifies the signature of the form's policy and the form against the policy. A form without a policy
// is anonymous.
func (r *request) authenticateForm(form *postForm) (*postpolicy.Policy, error) {
	auth, err := r.srv.verifier.ParsePost(func(name string) string { return form.fields[name] }, r.start)
	if err != nil {
		return nil, err
	}
	r.auth = auth
	if !auth.Signed() {
		r.identify(iam.Anonymous())
		return nil, nil
	}
	cred, err := r.srv.credential(r.ctx, &auth, r.start)
	if err != nil {
		return nil, err
	}
	if r.verified, err = r.srv.verifier.Verify(&sigv4.Request{Now: r.start}, &auth, cred.Secret.Reveal()); err != nil {
		return nil, err
	}
	r.identify(cred.Principal)
	policy, err := postpolicy.Parse(form.fields["policy"])
	if err != nil {
		return nil, s3err.Newf(s3err.InvalidPolicyDocument, "Invalid Policy: %s", strings.TrimPrefix(err.Error(), postpolicy.ErrDocument.Error()+": "))
	}
	if err := policy.Check(r.policyFields(form), r.start); err != nil {
		return nil, s3err.Newf(s3err.AccessDenied, "%s", err.Error())
	}
	return policy, nil
}

// policyFields are the fields that the policy judges. The bucket is one, though it comes in the address.
func (r *request) policyFields(form *postForm) map[string]string {
	fields := make(map[string]string, len(form.fields)+1)
	for name, value := range form.fields {
		fields[name] = value
	}
	fields["bucket"] = r.bucket
	if key, ok := fields["key"]; ok { // the policy is about the key that the object gets
		fields["key"] = strings.ReplaceAll(key, "${filename}", form.filename)
	}
	return fields
}

// formInput turns the fields into what a PutObject would have had in headers.
func (r *request) formInput(form *postForm) (*object.PutInput, error) {
	f := form.fields
	key, ok := f["key"]
	if !ok {
		return nil, s3err.Argument("key", "", "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.")
	}
	if form.filename != "" {
		key = strings.ReplaceAll(key, "${filename}", form.filename)
	}
	switch {
	case key == "":
		return nil, s3err.Newf(s3err.InvalidArgument, "User key must have a length greater than 0.").With("ArgumentName", "key").With("ArgumentValue", "")
	case !validKeyText(key):
		return nil, s3err.New(s3err.InvalidURI).With("URI", key)
	}
	in := &object.PutInput{
		Bucket: r.bucket, Key: key, Size: -1,
		Headers: object.Headers{
			ContentType: f["content-type"], CacheControl: f["cache-control"], ContentDisposition: f["content-disposition"],
			ContentEncoding: f["content-encoding"], ContentLanguage: f["content-language"], Expires: f["expires"],
			WebsiteRedirect: f["x-amz-website-redirect-location"],
		},
		Form:         true,
		StorageClass: f["x-amz-storage-class"],
	}
	var err error
	if in.Lock, err = parseLock(f[hdrLockMode], f[hdrLockUntil], f[hdrLockHold]); err != nil {
		return nil, err
	}
	for _, name := range [...]string{hdrEventHold, hdrEventHoldDays, hdrEventHoldYears} {
		if v, ok := f[name]; ok {
			if err := refuseEventHold(name, v); err != nil {
				return nil, err
			}
		}
	}
	in.Encryption = r.encryptionOf(func(name string) string { return f[strings.ToLower(name)] })
	if acl, ok := f["acl"]; ok {
		if !cannedObjectACL(acl) {
			return nil, s3err.Argument("acl", acl, "Unknown canned ACL")
		}
		in.ACL.Canned = acl
	}
	for name, value := range f {
		switch {
		case strings.HasPrefix(name, metaPrefix) && len(name) > len(metaPrefix):
			in.Metadata = append(in.Metadata, object.Meta{Name: name[len(metaPrefix):], Value: value})
		case strings.HasPrefix(name, checksum.HeaderPrefix):
			alg := checksum.FromHeader(name)
			if alg == checksum.None {
				continue
			}
			if _, err := checksum.Decode(alg, value); err != nil {
				return nil, r.invalidChecksum(alg, "header")
			}
			in.Checksums = append(in.Checksums, object.ChecksumSpec{Algorithm: alg, Value: value})
		}
	}
	if v, ok := f["content-md5"]; ok {
		sum, err := base64.StdEncoding.DecodeString(v)
		if err != nil || len(sum) != 16 {
			return nil, s3err.New(s3err.InvalidDigest).With("Content-MD5", v)
		}
		in.ContentMD5 = sum
	}
	if v := f["tagging"]; v != "" {
		var doc s3xml.Tagging
		if err := decodeXML([]byte(v), "Tagging", &doc); err != nil || doc.TagSet == nil {
			return nil, s3err.New(s3err.MalformedXML)
		}
		tags, err := tagList(doc.TagSet.Tags)
		if err != nil {
			return nil, err
		}
		in.Tags, r.formTags = tags, tags
	}
	return in, nil
}

// posted is the answer that the form asks for.
func (r *request) posted(form *postForm, in *object.PutInput, res *object.PutResult) *response {
	resp := r.ok()
	etag := quoted(res.ETag)
	location := strings.TrimSuffix(r.location(), "/")
	resp.set("ETag", etag)
	resp.setMade(res.VersionID)
	resp.setExpiry(res.Expires)
	resp.setChecksums(res.Checksums, true)
	resp.setEncryption(&res.Encryption)
	target := form.fields["success_action_redirect"]
	if target == "" {
		target = form.fields["redirect"]
	}
	if u, err := url.Parse(target); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		q := "bucket=" + url.QueryEscape(in.Bucket) + "&key=" + url.QueryEscape(in.Key) + "&etag=" + url.QueryEscape(etag)
		if u.RawQuery != "" {
			q = u.RawQuery + "&" + q
		}
		u.RawQuery = q
		resp.set("Location", u.String())
		resp.status = http.StatusSeeOther
		return resp
	}
	resp.set("Location", location)
	switch status, _ := strconv.Atoi(form.fields["success_action_status"]); status {
	case http.StatusOK:
	case http.StatusCreated:
		x := s3xml.Bare("PostResponse", 512)
		x.Text("Location", location)
		x.Text("Bucket", in.Bucket)
		x.Text("Key", in.Key)
		x.ETag(res.ETag)
		resp.status, resp.xml = http.StatusCreated, x.Bytes()
	default:
		resp.status = http.StatusNoContent
	}
	return resp
}

// budgeted is a body of which only so much may be read before its file begins.
type budgeted struct {
	src  io.Reader
	left int64
}

func (b *budgeted) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.src.Read(p[:min(int64(len(p)), b.left)])
	if b.left != math.MaxInt64 {
		b.left -= int64(n)
	}
	return n, err
}

// sizedFile is the file of a form held against the policy's content-length-range while it streams: its end is not
// reported before it is long enough.
type sizedFile struct {
	src         io.Reader
	n           int64
	least, most int64
	finish      func() error
	ended       bool // finish was called: it can be only once, and a reader may ask again behind the end
	failed      error
}

func (f *sizedFile) Read(p []byte) (int, error) {
	if f.ended {
		return 0, cmp.Or(f.failed, io.EOF)
	}
	n, err := f.src.Read(p)
	f.n += int64(n)
	switch {
	case f.n > f.most:
		f.failed = s3err.New(s3err.EntityTooLarge).With("ProposedSize", strconv.FormatInt(f.n, 10)).
			With("MaxSizeAllowed", strconv.FormatInt(f.most, 10))
		return 0, f.failed
	case errors.Is(err, io.EOF) && f.n < f.least:
		f.failed = s3err.New(s3err.EntityTooSmall).With("ProposedSize", strconv.FormatInt(f.n, 10)).
			With("MinSizeAllowed", strconv.FormatInt(f.least, 10))
		return 0, f.failed
	case errors.Is(err, io.EOF):
		f.ended = true
		if f.failed = f.finish(); f.failed != nil {
			return 0, f.failed
		}
	case err != nil:
		f.failed = s3err.New(s3err.MalformedPOSTRequest)
		if e := s3err.From(err); e.Status < http.StatusInternalServerError {
			f.failed = e
		}
		return 0, f.failed // never a bare io.ErrUnexpectedEOF, which readers take for a short but regular end
	}
	return n, err
}
