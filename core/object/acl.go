package object

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// Permission is what a grant of an access control list gives.
type Permission uint8

// The permissions. Their numbers are stored.
const (
	PermRead        Permission = 1
	PermWrite       Permission = 2
	PermReadACP     Permission = 3
	PermWriteACP    Permission = 4
	PermFullControl Permission = 5
)

var permissionNames = [...]string{PermRead: "READ", PermWrite: "WRITE", PermReadACP: "READ_ACP", PermWriteACP: "WRITE_ACP", PermFullControl: "FULL_CONTROL"}

// String is the name of p in S3.
func (p Permission) String() string {
	if int(p) < len(permissionNames) {
		return permissionNames[p]
	}
	return ""
}

// ParsePermission reads the name of a permission.
func ParsePermission(s string) (Permission, bool) {
	for p, name := range permissionNames {
		if name == s && name != "" {
			return Permission(p), true
		}
	}
	return 0, false
}

// Group is a grantee that stands for many.
type Group uint8

// The groups. Their numbers are stored.
const (
	NoGroup            Group = 0
	AllUsers           Group = 1 // everybody, whether a request is signed or not
	AuthenticatedUsers Group = 2 // everybody whose request is signed
	LogDelivery        Group = 3 // what writes server access logs
)

var groupURIs = [...]string{
	AllUsers:           "http://acs.amazonaws.com/groups/global/AllUsers",
	AuthenticatedUsers: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
	LogDelivery:        "http://acs.amazonaws.com/groups/s3/LogDelivery",
}

// URI is the name of g in S3.
func (g Group) URI() string {
	if int(g) < len(groupURIs) {
		return groupURIs[g]
	}
	return ""
}

// ParseGroup reads the URI of a group.
func ParseGroup(uri string) (Group, bool) {
	for g, name := range groupURIs {
		if name == uri && name != "" {
			return Group(g), true
		}
	}
	return NoGroup, false
}

// Grant gives somebody a permission: a group, or the account of a canonical id.
type Grant struct {
	Permission  Permission
	Group       Group
	CanonicalID string
	DisplayName string // of the account; filled when a list is read
}

// MaxGrants bounds an access control list, as S3 does.
const MaxGrants = 100

// ACL is an access control list as it is read.
type ACL struct {
	Owner     Owner
	Grants    []Grant
	VersionID string // of the object whose list it is
}

// ACLInput is an access control list that a request asks for: nothing, a canned one by its name, or grants.
type ACLInput struct {
	Canned string
	Grants []Grant
	Given  bool   // Grants are meant, even when there are none
	Owner  string // canonical id that a document names as the owner; "" when none is named
	ByName bool   // Grants came in headers, which name the parts of a grantee otherwise than documents
}

// IsZero reports that nothing is asked for.
func (in *ACLInput) IsZero() bool { return in.Canned == "" && !in.Given }

// awsExec is the account that the canned list aws-exec-read lets read: EC2, when it fetches bundles of images.
const awsExec = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"

// grantList is the grants of a list, in the order they were given. Nil stands for the list that gives its owner full
// control and nobody anything: it is what most have, and is not stored.
type grantList []Grant

// encode writes the grants: their number, then permission, group and, without a group, the canonical id.
func (l grantList) encode() []byte {
	if l == nil {
		return nil
	}
	b := binary.AppendUvarint(make([]byte, 0, 8+68*len(l)), uint64(len(l)))
	for i := range l {
		g := &l[i]
		b = append(b, byte(g.Permission), byte(g.Group))
		if g.Group == NoGroup {
			b = binary.AppendUvarint(b, uint64(len(g.CanonicalID)))
			b = append(b, g.CanonicalID...)
		}
	}
	return b
}

// decodeGrants reads what encode wrote; nothing is the nil list.
func decodeGrants(data []byte) (grantList, error) {
	if len(data) == 0 {
		return nil, nil
	}
	r := wireReader{rest: data}
	n := r.count(2)
	if n > MaxGrants {
		r.fail("too many grants")
	}
	l := make(grantList, 0, min(n, MaxGrants))
	for range n {
		g := Grant{Permission: Permission(r.byte()), Group: Group(r.byte())}
		if g.Group == NoGroup {
			g.CanonicalID = string(r.bytes(r.count(1)))
		}
		if r.err == nil && (g.Permission.String() == "" || g.Group != NoGroup && g.Group.URI() == "") {
			r.fail("unknown grant")
		}
		if r.err != nil {
			return nil, r.err
		}
		l = append(l, g)
	}
	if len(r.rest) != 0 {
		r.fail("odd grants")
	}
	return l, r.err
}

// outer is the list as callers read it.
func (s *Service) outerACL(ctx context.Context, l grantList, owner Owner) ACL {
	acl := ACL{Owner: owner}
	if l = l.explicit(owner); s.cfg.Dialect.GrantsByGrantee {
		l = l.byGrantee()
	}
	for _, g := range l {
		if g.Group == NoGroup {
			switch {
			case g.CanonicalID == owner.CanonicalID:
				g.DisplayName = owner.DisplayName
			case g.CanonicalID == awsExec:
				g.DisplayName = "za-team"
			default:
				if a, err := s.cfg.IAM.AccountByCanonicalID(ctx, g.CanonicalID); err == nil {
					g.DisplayName = a.DisplayName
				}
			}
		}
		acl.Grants = append(acl.Grants, g)
	}
	return acl
}

// explicit is the list with what nil stands for.
func (l grantList) explicit(owner Owner) grantList {
	if l == nil {
		return ownerOnly(owner)
	}
	return l
}

// byGrantee is the list in the order of canonical ids, groups, which have none, before them.
func (l grantList) byGrantee() grantList {
	l = slices.Clone(l)
	slices.SortStableFunc(l, func(a, b Grant) int { return strings.Compare(a.CanonicalID, b.CanonicalID) })
	return l
}

func ownerOnly(owner Owner) grantList {
	return grantList{{Permission: PermFullControl, CanonicalID: owner.CanonicalID}}
}

// public reports whether the list gives anything to everybody.
func (l grantList) public() bool {
	for i := range l {
		if l[i].Group == AllUsers || l[i].Group == AuthenticatedUsers {
			return true
		}
	}
	return false
}

// onlyOwner reports whether the list gives nobody but its owner anything.
func (l grantList) onlyOwner(owner Owner) bool {
	for i := range l {
		if l[i].Group != NoGroup || l[i].CanonicalID != owner.CanonicalID {
			return false
		}
	}
	return true
}

// allows reports whether the list gives who the permission on something of the account owner. What is given to an account is its
// root's; users of the owning account get theirs from policies.
func (l grantList) allows(who *iam.Principal, want Permission, owner string, ignorePublic bool) bool {
	for i := range l {
		g := &l[i]
		if g.Permission != want && g.Permission != PermFullControl {
			continue
		}
		switch g.Group {
		case AllUsers:
			if !ignorePublic {
				return true
			}
		case AuthenticatedUsers:
			if !ignorePublic && !who.Anonymous {
				return true
			}
		case NoGroup:
			if !who.Anonymous && g.CanonicalID == who.CanonicalID && (who.Root || who.AccountID != owner) {
				return true
			}
		}
	}
	return false
}

// grants turns what a request asks for into a list for something of owner in a bucket of bucketOwner.
func (s *Service) grants(ctx context.Context, in *ACLInput, owner, bucketOwner Owner) (grantList, error) {
	if !in.Given {
		return canned(in.Canned, owner, bucketOwner)
	}
	if in.Owner != "" && in.Owner != owner.CanonicalID {
		return nil, errs.New(errs.Denied, iam.AccessDenied, "Access Denied")
	}
	if err := s.checkGrants(ctx, in); err != nil {
		return nil, err
	}
	l := make(grantList, 0, len(in.Grants))
	for _, g := range in.Grants {
		g.DisplayName = ""
		l = append(l, g)
	}
	if len(l) == 1 && l[0] == ownerOnly(owner)[0] {
		return nil, nil
	}
	return l, nil
}

// checkGrants refuses grants that no list can have, and an owner who is nobody. Amazon does so before it looks whether lists are on.
func (s *Service) checkGrants(ctx context.Context, in *ACLInput) error {
	if len(in.Grants) > MaxGrants {
		return errs.New(errs.Invalid, MalformedACL, "An access control list has at most %d grants", MaxGrants)
	}
	if in.Owner != "" {
		if _, err := s.cfg.IAM.AccountByCanonicalID(ctx, in.Owner); err != nil {
			return badGrantee(in, in.Owner)
		}
	}
	for i := range in.Grants {
		g := &in.Grants[i]
		if g.Permission.String() == "" {
			return errs.New(errs.Invalid, MalformedACL, "")
		}
		if g.Group != NoGroup || g.CanonicalID == awsExec || g.CanonicalID == iam.AnonymousCanonicalID {
			continue
		}
		if _, err := s.cfg.IAM.AccountByCanonicalID(ctx, g.CanonicalID); err != nil {
			return badGrantee(in, g.CanonicalID)
		}
	}
	return nil
}

func badGrantee(in *ACLInput, id string) error {
	e := errs.New(errs.Invalid, InvalidArgument, "Invalid id")
	e.Detail = map[string]string{"ArgumentName": "CanonicalUser/ID", "ArgumentValue": id}
	if in.ByName {
		e.Detail["ArgumentName"] = "id"
	}
	return e
}

// canned makes the list of a canned name. On objects and on buckets the same names mean the same, where they mean anything.
// Groups come before the owner: the order of a list means nothing, and whether it is open to many is what most look for. Lists
// that are given as grants keep their order.
func canned(name string, owner, bucketOwner Owner) (grantList, error) {
	l := ownerOnly(owner)
	group := func(g Group, perms ...Permission) grantList {
		given := make(grantList, 0, len(perms)+1)
		for _, p := range perms {
			given = append(given, Grant{Permission: p, Group: g})
		}
		return append(given, l...)
	}
	bucketOwners := func(p Permission) grantList {
		if owner.AccountID == bucketOwner.AccountID {
			return nil
		}
		return append(l, Grant{Permission: p, CanonicalID: bucketOwner.CanonicalID})
	}
	switch name {
	case "", "private":
		return nil, nil
	case "public-read":
		return group(AllUsers, PermRead), nil
	case "public-read-write":
		return group(AllUsers, PermRead, PermWrite), nil
	case "authenticated-read":
		return group(AuthenticatedUsers, PermRead), nil
	case "log-delivery-write":
		return group(LogDelivery, PermWrite, PermReadACP), nil
	case "aws-exec-read":
		return append(l, Grant{Permission: PermRead, CanonicalID: awsExec}), nil
	case cannedBucketOwnerRead:
		return bucketOwners(PermRead), nil
	case cannedBucketOwnerFull:
		return bucketOwners(PermFullControl), nil
	}
	return nil, invalidArgument("Unknown canned ACL")
}

// The canned lists that are about the owner of the bucket of an object.
const (
	cannedBucketOwnerRead = "bucket-owner-read"
	cannedBucketOwnerFull = "bucket-owner-full-control"
)
