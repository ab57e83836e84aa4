package s3api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/core/iam"
)

// party is an account with a client of its own.
type party struct {
	*s3.Client
	account, canonical string
}

func (f *fixture) party(name string) party {
	f.t.Helper()
	u, key, err := f.iam.CreateUser(context.Background(), name, iam.CreateUserOptions{})
	must(f.t, err)
	return party{f.client(func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(key.ID, key.Secret.Reveal(), "")
	}), u.Account.ID, u.Account.CanonicalID}
}

// listed makes a bucket of an ownership and returns its name.
func (f *fixture) listed(name string, o types.ObjectOwnership) *string {
	f.t.Helper()
	_, err := f.client().CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &name, ObjectOwnership: o})
	must(f.t, err)
	return &name
}

func (p party) put(b *string, key string, acl types.ObjectCannedACL) error {
	_, err := p.PutObject(context.Background(), &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader("x"), ACL: acl})
	return err
}

func (p party) get(b *string, key string) error {
	out, err := p.GetObject(context.Background(), &s3.GetObjectInput{Bucket: b, Key: &key})
	if err == nil {
		out.Body.Close()
	}
	return err
}

func (f *fixture) nobody(method, target string) int { return f.anonymous(method, target, "").status }

// grants shows a list in one line: who may do what.
func grants(list []types.Grant) string {
	var out []string
	for _, g := range list {
		who := aws.ToString(g.Grantee.ID)
		if g.Grantee.URI != nil {
			who = (*g.Grantee.URI)[strings.LastIndex(*g.Grantee.URI, "/")+1:]
		}
		out = append(out, who+"="+string(g.Permission))
	}
	return strings.Join(out, " ")
}

func TestCannedACLs(t *testing.T) {
	f := start(t)
	ctx, c, other := context.Background(), f.client(), f.party("other")
	b := f.listed("canned", types.ObjectOwnershipObjectWriter)
	_, root := f.iam.Root()
	me := root.Principal.CanonicalID
	for canned, want := range map[string]string{
		"private":                   me + "=FULL_CONTROL",
		"public-read":               "AllUsers=READ " + me + "=FULL_CONTROL",
		"public-read-write":         "AllUsers=READ AllUsers=WRITE " + me + "=FULL_CONTROL",
		"authenticated-read":        "AuthenticatedUsers=READ " + me + "=FULL_CONTROL",
		"bucket-owner-read":         me + "=FULL_CONTROL",
		"bucket-owner-full-control": me + "=FULL_CONTROL",
		"aws-exec-read":             me + "=FULL_CONTROL 6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c=READ",
		"log-delivery-write":        "LogDelivery=WRITE LogDelivery=READ_ACP " + me + "=FULL_CONTROL",
	} {
		if canned != "log-delivery-write" {
			key := aws.String("o/" + canned)
			_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: key, Body: strings.NewReader("x"), ACL: types.ObjectCannedACL(canned)})
			must(t, err)
			acl, err := c.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: b, Key: key})
			must(t, err)
			if got := grants(acl.Grants); got != want || *acl.Owner.ID != me {
				t.Errorf("object %s: %s", canned, got)
			}
		}
		_, err := c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, ACL: types.BucketCannedACL(canned)})
		must(t, err)
		acl, err := c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: b})
		must(t, err)
		if got := grants(acl.Grants); got != want {
			t.Errorf("bucket %s: %s", canned, got)
		}
	}
	_, err := c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, ACL: "private"})
	must(t, err)
	for key, want := range map[string][2]int{ // by nobody, by another account
		"private": {403, 403}, "public-read": {200, 200}, "authenticated-read": {403, 200}, "aws-exec-read": {403, 403},
	} {
		if got := f.nobody("GET", "/canned/o/"+key); got != want[0] {
			t.Errorf("%s by nobody: %d", key, got)
		}
		if err := other.get(b, "o/"+key); (err == nil) != (want[1] == 200) {
			t.Errorf("%s by another account: %v", key, err)
		}
	}
	for acl, want := range map[types.BucketCannedACL][2]int{"private": {403, 403}, "public-read": {200, 403}, "public-read-write": {200, 200}} {
		_, err := c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, ACL: acl})
		must(t, err)
		if got := f.nobody("GET", "/canned"); got != want[0] {
			t.Errorf("list of %s: %d", acl, got)
		}
		if got := f.nobody("PUT", "/canned/new"); got != want[1] {
			t.Errorf("write to %s: %d", acl, got)
		}
	}
	// What nobody wrote is nobody's.
	_, err = c.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: b, Key: aws.String("new")})
	wantCode(t, "list of what is not the bucket owner's", err, "AccessDenied")
	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: aws.String("new")})
	wantCode(t, "delete by the bucket's owner", err, "")
}

func TestGrants(t *testing.T) {
	f := start(t)
	ctx, c, alice, bob := context.Background(), f.client(), f.party("alice"), f.party("bob")
	_, root := f.iam.Root()
	me := root.Principal.CanonicalID
	b := f.listed("grants", types.ObjectOwnershipObjectWriter)
	id := func(p party) *string { return aws.String(`id="` + p.canonical + `"`) }
	_, err := c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}})
	must(t, err)
	first, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("1"), GrantRead: id(alice), GrantFullControl: aws.String("id=" + me)})
	must(t, err)
	second, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("2"), GrantReadACP: id(bob), GrantWriteACP: id(bob)})
	must(t, err)
	version := func(p party, v *string) error {
		out, err := p.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), VersionId: v})
		if err == nil {
			out.Body.Close()
		}
		return err
	}
	wantCode(t, "old version, granted", version(alice, first.VersionId), "")
	wantCode(t, "new version, not granted", version(alice, second.VersionId), "AccessDenied")
	wantCode(t, "old version, others", version(bob, first.VersionId), "AccessDenied")
	wantCode(t, "current, not granted", alice.get(b, "k"), "AccessDenied")
	acl, err := bob.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: b, Key: aws.String("k")})
	must(t, err)
	if got, want := grants(acl.Grants), bob.canonical+"=READ_ACP "+bob.canonical+"=WRITE_ACP"; got != want {
		t.Errorf("list %s, want %s", got, want)
	}
	_, err = alice.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: b, Key: aws.String("k")})
	wantCode(t, "list, not granted", err, "AccessDenied")
	policy := &types.AccessControlPolicy{Owner: acl.Owner, Grants: []types.Grant{
		{Permission: "READ", Grantee: &types.Grantee{Type: "CanonicalUser", ID: &alice.canonical}}}}
	_, err = bob.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: b, Key: aws.String("k"), AccessControlPolicy: policy})
	must(t, err)
	wantCode(t, "current, granted since", alice.get(b, "k"), "")
	_, err = bob.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: b, Key: aws.String("k"), ACL: "private"})
	wantCode(t, "list set by who may no longer", err, "AccessDenied")
	_, err = c.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: b, Key: aws.String("k"), VersionId: first.VersionId, ACL: "public-read"})
	must(t, err)
	if got := f.nobody("GET", "/grants/k?versionId="+*first.VersionId); got != 200 {
		t.Errorf("public version: %d", got)
	}
	if got := f.nobody("GET", "/grants/k"); got != 403 {
		t.Errorf("private version: %d", got)
	}

	stranger := &types.AccessControlPolicy{Owner: &types.Owner{ID: &bob.canonical}, Grants: policy.Grants}
	_, err = c.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: b, Key: aws.String("k"), AccessControlPolicy: stranger})
	wantCode(t, "list with another owner", err, "AccessDenied")
	_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, GrantRead: aws.String(`id="` + strings.Repeat("0", 64) + `"`)})
	wantCode(t, "grant to no account", err, "InvalidArgument")
	_, err = c.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: b, Key: aws.String("none"), ACL: "private"})
	wantCode(t, "list of no object", err, "NoSuchKey")
	_, err = c.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: b, Key: aws.String("none")})
	wantCode(t, "list of no object", err, "NoSuchKey")

	_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, GrantWrite: id(alice), GrantReadACP: id(bob)})
	must(t, err)
	wantCode(t, "write, granted", alice.put(b, "alices", ""), "")
	wantCode(t, "write, not granted", bob.put(b, "bobs", ""), "AccessDenied")
	_, err = alice.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b})
	wantCode(t, "list by who may write", err, "AccessDenied")
	_, err = bob.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: b})
	wantCode(t, "read of the bucket's list, granted", err, "")
	_, err = alice.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: b})
	wantCode(t, "read of the bucket's list, not granted", err, "AccessDenied")
	_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, AccessControlPolicy: &types.AccessControlPolicy{Owner: &types.Owner{ID: &me}, Grants: []types.Grant{}}})
	must(t, err)
	_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b})
	wantCode(t, "the owner's root without any grant", err, "")
}

func TestOwnership(t *testing.T) {
	f := start(t)
	ctx, c, alice := context.Background(), f.client(), f.party("alice")
	mine := party{Client: c}
	_, root := f.iam.Root()
	me := root.Principal.CanonicalID
	owner := func(b *string, key string) string {
		t.Helper()
		out, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Prefix: &key, FetchOwner: aws.Bool(true)})
		must(t, err)
		return *out.Contents[0].Owner.ID
	}
	set := func(b *string, o types.ObjectOwnership) error {
		_, err := c.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: b,
			OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: o}}}})
		return err
	}
	read := func(b *string) (types.ObjectOwnership, error) {
		out, err := c.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: b})
		if err != nil {
			return "", err
		}
		return out.OwnershipControls.Rules[0].ObjectOwnership, nil
	}
	plain := aws.String(f.bucket("plain"))
	if o, err := read(plain); err != nil || o != "BucketOwnerEnforced" {
		t.Errorf("of a plain bucket: %v, %v", o, err)
	}
	wantCode(t, "canned list in a plain bucket", mine.put(plain, "k", "public-read"), "AccessControlListNotSupported")
	wantCode(t, "private in a plain bucket", mine.put(plain, "k", "private"), "")

	b := f.listed("owned", types.ObjectOwnershipBucketOwnerPreferred)
	_, err := c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, ACL: "public-read-write"})
	must(t, err)
	must(t, alice.put(b, "hers", ""))
	must(t, alice.put(b, "given", "bucket-owner-full-control"))
	must(t, mine.put(b, "mine", ""))
	for key, want := range map[string]string{"hers": alice.canonical, "given": me, "mine": me} {
		if got := owner(b, key); got != want {
			t.Errorf("preferred: %s is %s's", key, got)
		}
	}
	wantCode(t, "the bucket owner reads what is not its own", mine.get(b, "hers"), "AccessDenied")
	wantCode(t, "the writer reads what is the bucket's", alice.get(b, "given"), "AccessDenied")
	wantCode(t, "enforced with a public list", set(b, "BucketOwnerEnforced"), "InvalidBucketAclWithObjectOwnership")
	must(t, set(b, "ObjectWriter"))
	must(t, alice.put(b, "shared", "bucket-owner-full-control"))
	if got := owner(b, "shared"); got != alice.canonical {
		t.Errorf("writer: shared is %s's", got)
	}
	wantCode(t, "the bucket owner reads what it was given", mine.get(b, "shared"), "")
	_, err = c.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: b, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}})
	must(t, err)
	_, err = c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: b, Key: aws.String("hers"), Tagging: &types.Tagging{TagSet: []types.Tag{}}})
	wantCode(t, "the bucket owner tags what is not its own", err, "")

	// A policy gives away only what is the bucket owner's; what it denies is denied everywhere.
	f.putPolicy("owned", `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::owned/*"},
		{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::owned/shared"}`)
	if got := f.nobody("GET", "/owned/mine"); got != 200 {
		t.Errorf("policy on what is the bucket owner's: %d", got)
	}
	if got := f.nobody("GET", "/owned/hers"); got != 403 {
		t.Errorf("policy on what is not the bucket owner's: %d", got)
	}
	wantCode(t, "denied by the bucket to the owner of the object", alice.get(b, "shared"), "AccessDenied")

	_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, ACL: "private"})
	must(t, err)
	must(t, set(b, "BucketOwnerEnforced"))
	wantCode(t, "everything is the bucket owner's now", mine.get(b, "hers"), "")
	wantCode(t, "and nobody else's", alice.get(b, "hers"), "") // the policy lets everybody
	if got := owner(b, "hers"); got != me {
		t.Errorf("enforced: hers is %s's", got)
	}
	wantCode(t, "private where lists were turned off", mine.put(b, "k", "private"), "AccessControlListNotSupported")
	_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, ACL: "private"})
	wantCode(t, "bucket list where lists are off", err, "AccessControlListNotSupported")
	_, err = c.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: b, Key: aws.String("hers"), ACL: "public-read"})
	wantCode(t, "object list where lists are off", err, "AccessControlListNotSupported")
	for range 2 {
		_, err = c.DeleteBucketOwnershipControls(ctx, &s3.DeleteBucketOwnershipControlsInput{Bucket: b})
		must(t, err)
	}
	_, err = read(b)
	wantCode(t, "ownership that was deleted", err, "OwnershipControlsNotFoundError")
	if got := owner(b, "hers"); got != alice.canonical {
		t.Errorf("after: hers is %s's", got)
	}
	wantCode(t, "set by a stranger", func() error {
		_, err := alice.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: b,
			OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "ObjectWriter"}}}})
		return err
	}(), "AccessDenied")
}

// Copies and multipart uploads take the list they are given, and never that of a source.
func TestACLOfCopiesAndUploads(t *testing.T) {
	f := start(t)
	ctx, c := context.Background(), f.client()
	b := f.listed("made", types.ObjectOwnershipObjectWriter)
	must(t, party{Client: c}.put(b, "src", "public-read"))
	_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String("made/src")})
	must(t, err)
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("public-copy"), CopySource: aws.String("made/src"), ACL: "public-read"})
	must(t, err)
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("parts"), ACL: "public-read"})
	must(t, err)
	part, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: b, Key: aws.String("parts"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
	must(t, err)
	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("parts"), UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}})
	must(t, err)
	for key, want := range map[string]int{"src": 200, "copy": 403, "public-copy": 200, "parts": 200} {
		if got := f.nobody("GET", "/made/"+key); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
	// Overwriting and copying onto itself make a new list, too.
	must(t, party{Client: c}.put(b, "src", ""))
	if got := f.nobody("GET", "/made/src"); got != 403 {
		t.Errorf("overwritten: %d", got)
	}
}

func TestPublicAccessBlockOfACLs(t *testing.T) {
	f := start(t)
	ctx, c, alice := context.Background(), f.client(), f.party("alice")
	mine := party{Client: c}
	b := f.listed("blocked", types.ObjectOwnershipObjectWriter)
	must(t, mine.put(b, "public", "public-read"))
	must(t, mine.put(b, "signed", "authenticated-read"))
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("hers"), Body: strings.NewReader("x"), GrantRead: aws.String("id=" + alice.canonical)})
	must(t, err)
	block := func(p types.PublicAccessBlockConfiguration) {
		t.Helper()
		_, err := c.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: b, PublicAccessBlockConfiguration: &p})
		must(t, err)
	}
	block(types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)})
	wantCode(t, "public object", mine.put(b, "new", "public-read"), "AccessDenied")
	wantCode(t, "private object", mine.put(b, "new", "private"), "")
	_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: b, ACL: "authenticated-read"})
	wantCode(t, "public bucket", err, "AccessDenied")
	_, err = c.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: b, Key: aws.String("new"), ACL: "public-read"})
	wantCode(t, "public list of an object", err, "AccessDenied")
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String("blocked/new"), ACL: "public-read"})
	wantCode(t, "public copy", err, "AccessDenied")
	if got := f.nobody("GET", "/blocked/public"); got != 200 {
		t.Errorf("what was public before: %d", got)
	}
	block(types.PublicAccessBlockConfiguration{IgnorePublicAcls: aws.Bool(true)})
	if got := f.nobody("GET", "/blocked/public"); got != 403 {
		t.Errorf("public list that is ignored: %d", got)
	}
	wantCode(t, "list for the signed that is ignored", alice.get(b, "signed"), "AccessDenied")
	wantCode(t, "list for an account", alice.get(b, "hers"), "")
}
