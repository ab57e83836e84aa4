package s3api

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

func cannedBucketACL(v string) bool {
	switch v {
	case "private", "public-read", "public-read-write", "authenticated-read", "log-delivery-write", "aws-exec-read",
		"bucket-owner-read", "bucket-owner-full-control":
		return true
	}
	return false
}

func cannedObjectACL(v string) bool { return cannedBucketACL(v) && v != "log-delivery-write" }

// grantHeaders are the headers that grant one permission each.
var grantHeaders = [...]struct {
	name       string
	permission object.Permission
}{
	{"x-amz-grant-full-control", object.PermFullControl}, {"x-amz-grant-read", object.PermRead},
	{"x-amz-grant-write", object.PermWrite}, {"x-amz-grant-read-acp", object.PermReadACP}, {"x-amz-grant-write-acp", object.PermWriteACP},
}

// aclHeaders reads what headers say about an access control list: a canned one, or grants. It returns the zero value when they
// say nothing.
func (r *request) aclHeaders(valid func(canned string) bool) (object.ACLInput, error) {
	var in object.ACLInput
	if v, ok := r.lookupHeader("x-amz-acl"); ok {
		if !valid(v) {
			return in, s3err.Argument("x-amz-acl", v, "")
		}
		in.Canned = v
	}
	for _, h := range grantHeaders {
		if !r.hasHeader(h.name) {
			continue
		}
		grants, err := parseGrants(h.name, r.headerList(h.name), h.permission, r.byEmail)
		if err != nil {
			return in, err
		}
		in.Grants, in.Given, in.ByName = append(in.Grants, grants...), true, true
	}
	if in.Canned != "" && in.Given {
		return in, s3err.Newf(s3err.InvalidRequest, "Specifying both Canned ACLs and Header Grants is not allowed")
	}
	return in, nil
}

// parseGrants reads the grantees of a header: id="…", uri="…" or emailAddress="…", separated by commas.
func parseGrants(header, v string, p object.Permission, byEmail emails) ([]object.Grant, error) {
	var grants []object.Grant
	for item := range strings.SplitSeq(v, ",") {
		if len(grants) == object.MaxGrants {
			return nil, s3err.New(s3err.MalformedACL)
		}
		kind, name, ok := strings.Cut(strings.TrimSpace(item), "=")
		name = strings.Trim(strings.TrimSpace(name), `"`)
		g := object.Grant{Permission: p}
		switch strings.TrimSpace(kind) {
		case "id":
			g.CanonicalID = name
		case "uri":
			if g.Group, ok = object.ParseGroup(name); !ok {
				return nil, s3err.Argument("uri", name, "Invalid group uri")
			}
		case "emailAddress":
			var err error
			if g.CanonicalID, err = byEmail(name); err != nil {
				return nil, err
			}
		default:
			ok = false
		}
		if !ok || name == "" {
			return nil, s3err.Argument(header, v, "Argument format not recognized")
		}
		grants = append(grants, g)
	}
	return grants, nil
}

// emails finds the canonical id of the account that an e-mail address stands for.
type emails func(address string) (string, error)

// byEmail refuses addresses, as Amazon does since October 2025, or looks them up.
func (r *request) byEmail(address string) (string, error) {
	if !r.srv.cfg.Dialect.GrantsByEmail {
		return "", s3err.New(s3err.MethodNotAllowed)
	}
	a, err := r.srv.iam.AccountByEmail(r.ctx, address)
	if errs.KindOf(err) == errs.NotFound {
		return "", s3err.New(s3err.UnresolvableGrant)
	}
	return a.CanonicalID, err
}

// aclBody reads the access control list that a request sets: from its headers or from its body, not from both.
func (r *request) aclBody(valid func(canned string) bool) (object.ACLInput, error) {
	in, err := r.aclHeaders(valid)
	if err != nil {
		return in, err
	}
	var doc s3xml.AccessControlPolicy
	there, err := r.readOptionalXML("AccessControlPolicy", &doc)
	switch {
	case !in.IsZero() && (there || err != nil && r.contentLength() != 0):
		return in, s3err.New(s3err.UnexpectedContent)
	case err != nil:
		if s3err.From(err).Code == s3err.MalformedXML {
			err = s3err.New(s3err.MalformedACL)
		}
		return in, err
	case !there && in.IsZero():
		return in, s3err.New(s3err.MissingSecurityHeader).With("MissingHeaderName", "x-amz-acl")
	case !there:
		return in, nil
	case doc.Owner == nil || doc.List == nil:
		return in, s3err.New(s3err.MalformedACL)
	}
	in.Given, in.Owner = true, doc.Owner.ID
	for i := range doc.List.Grants {
		g, err := documentGrant(&doc.List.Grants[i], r.byEmail)
		if err != nil {
			return in, err
		}
		in.Grants = append(in.Grants, g)
	}
	return in, nil
}

// documentGrant reads one grant of a document.
func documentGrant(g *s3xml.Grant, byEmail emails) (object.Grant, error) {
	var out object.Grant
	var ok bool
	if out.Permission, ok = object.ParsePermission(g.Permission); !ok {
		return out, s3err.New(s3err.MalformedACL)
	}
	kind := g.Grantee.Type
	if _, local, prefixed := strings.Cut(kind, ":"); prefixed {
		kind = local
	}
	if kind == "" { // Amazon asks for it; the names say as much
		switch {
		case g.Grantee.URI != "":
			kind = "Group"
		case g.Grantee.Email != "":
			kind = "AmazonCustomerByEmail"
		default:
			kind = "CanonicalUser"
		}
	}
	switch kind {
	case "CanonicalUser":
		if out.CanonicalID = g.Grantee.ID; out.CanonicalID == "" {
			return out, s3err.Argument("CanonicalUser/ID", "", "Invalid id")
		}
	case "Group":
		if out.Group, ok = object.ParseGroup(g.Grantee.URI); !ok {
			return out, s3err.Argument("Group/URI", g.Grantee.URI, "Invalid group uri")
		}
	case "AmazonCustomerByEmail":
		var err error
		if out.CanonicalID, err = byEmail(g.Grantee.Email); err != nil {
			return out, err
		}
	default:
		return out, s3err.New(s3err.MalformedACL)
	}
	return out, nil
}

func writeGrant(x *s3xml.Doc, g *object.Grant) {
	x.Open("Grant")
	if g.Group != object.NoGroup {
		x.OpenGrantee("Group")
		x.Text("URI", g.Group.URI())
	} else {
		x.OpenGrantee("CanonicalUser")
		x.Text("ID", g.CanonicalID)
		x.Optional("DisplayName", g.DisplayName)
	}
	x.Close("Grantee")
	x.Text("Permission", g.Permission.String())
	x.Close("Grant")
}

// aclDocument is the answer to both kinds of reading.
func (r *request) aclDocument(acl *object.ACL) *response {
	x := s3xml.New("AccessControlPolicy", 512)
	x.Owner("Owner", acl.Owner.CanonicalID, acl.Owner.DisplayName)
	x.Open("AccessControlList")
	for i := range acl.Grants {
		writeGrant(x, &acl.Grants[i])
	}
	x.Close("AccessControlList")
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp
}

// getBucketACL: GET /bucket?acl
func getBucketACL(r *request) (*response, error) {
	acl, err := r.srv.objects.BucketACL(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	return r.aclDocument(&acl), nil
}

// putBucketACL: PUT /bucket?acl
func putBucketACL(r *request) (*response, error) {
	in, err := r.aclBody(cannedBucketACL)
	if err != nil {
		return nil, err
	}
	if err := r.srv.objects.PutBucketACL(r.ctx, r.who, r.bucket, &in); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// getObjectACL: GET /bucket/key?acl
func getObjectACL(r *request) (*response, error) {
	acl, err := r.srv.objects.ObjectACL(r.ctx, r.who, r.bucket, r.key, r.query.get("versionId"))
	if err != nil {
		return nil, err
	}
	resp := r.aclDocument(&acl)
	resp.set("x-amz-version-id", acl.VersionID)
	return resp, nil
}

// putObjectACL: PUT /bucket/key?acl
func putObjectACL(r *request) (*response, error) {
	in, err := r.aclBody(cannedObjectACL)
	if err != nil {
		return nil, err
	}
	version, err := r.srv.objects.PutObjectACL(r.ctx, r.who, r.bucket, r.key, r.query.get("versionId"), &in)
	if err != nil {
		return nil, atMarker(err)
	}
	resp := r.ok()
	resp.set("x-amz-version-id", version)
	return resp, nil
}
