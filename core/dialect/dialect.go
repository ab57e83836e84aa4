// Package dialect names where S3 servers answer differently, so that clients written for Ceph's RADOS Gateway find the
// answers that they were written for.
//
// Guarantees: the zero Dialect is Amazon's S3 in every point, and each field is one difference: what Amazon answers, what
// Ceph answers, and where that is known from. Whoever decides an answer asks the field of that answer and nothing else; the
// name of a dialect is known only here.
//
// A field never gives more access than Ceph gives for the same request. docs/s3-compatibility.md lists the fields for
// operators ("The dialect of Ceph"); a test keeps the two lists the same.
//
// Ceph's sources are cited by their file below src/rgw and the function, as of version 20 (Tentacle).
package dialect

import "fmt"

// Dialect says in which points the answers are not Amazon's.
type Dialect struct {
	// Of buckets, their settings, who may what, and listings.

	// RecreateComparesACL is about a bucket that its owner makes again. Amazon answers 409 BucketAlreadyOwnedByYou, and in
	// us-east-1 200 and gives the bucket the access control list of the request. Ceph answers 200 and changes nothing, unless
	// the request has another list than the bucket: 409 BucketAlreadyExists.
	// Source: rgw_op.cc, RGWCreateBucket::execute; rgw_rest_s3.cc, RGWCreateBucket_ObjStore_S3::send_response.
	RecreateComparesACL bool

	// Of objects, their parts, checksums and keys.
}

// Amazon is the dialect of Amazon S3, the default.
func Amazon() Dialect { return Dialect{} }

// Ceph is the dialect of Ceph's RADOS Gateway.
func Ceph() Dialect {
	return Dialect{
		RecreateComparesACL: true,
	}
}

// Names of dialects, as operators write them.
const (
	NameAmazon = "aws"
	NameCeph   = "ceph"
)

// Names lists them, the default first.
func Names() []string { return []string{NameAmazon, NameCeph} }

// Parse returns the dialect of a name.
func Parse(name string) (Dialect, error) {
	switch name {
	case NameAmazon:
		return Amazon(), nil
	case NameCeph:
		return Ceph(), nil
	}
	return Dialect{}, fmt.Errorf("dialect: %q is neither %s nor %s", name, NameAmazon, NameCeph)
}
