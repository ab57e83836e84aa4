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

	// PolicyStatusOfACL is about GetBucketPolicyStatus. Amazon answers 404 NoSuchBucketPolicy where there is no policy, and
	// looks at the policy only where there is one. Ceph answers always: public is what policy or access control list make public.
	// Source: rgw_op.cc, RGWGetBucketPolicyStatus::execute.
	PolicyStatusOfACL bool

	// OddExpiresDenied is about an X-Amz-Expires that is no number from 1 to 604800. Amazon answers 400
	// AuthorizationQueryParametersError, Ceph 403 AccessDenied.
	// Source: rgw_auth_s3.cc, parse_v4_query_string.
	OddExpiresDenied bool

	// GrantsByGrantee is about the order of grants in an access control list that is read. Amazon keeps that in which they were
	// set. Ceph keeps them by the id of the grantee, and groups, which have none, come first.
	// Source: rgw_acl.cc, RGWAccessControlList::add_grant.
	GrantsByGrantee bool

	// GrantsByEmail is about grantees that are named by an e-mail address. Amazon answers 405 MethodNotAllowed since October
	// 2025. Ceph grants to the user of that address, and answers 400 UnresolvableGrantByEmailAddress where there is none.
	// Source: rgw_acl_s3.cc, resolve_grant.
	GrantsByEmail bool

	// ExpectedOwnerAnyID is about x-amz-expected-bucket-owner. Amazon answers 400 InvalidBucketOwnerAWSAccountID when it has not
	// 12 digits. Ceph compares it with the id of the owner, which is any text: 403 AccessDenied when it is another. Here the
	// canonical id, which answers show as the owner's, and the account id are both the owner's.
	// Source: ceph/ceph pull request 61215.
	ExpectedOwnerAnyID bool

	// ExcessTagsInvalid is about more tags than an object may have. Amazon answers 400 BadRequest, Ceph 400 InvalidTag.
	// Source: rgw_tag.cc, RGWObjTags::check_and_add_tag.
	ExcessTagsInvalid bool

	// EmptyTokenStarts is about an empty continuation-token. Amazon answers 400 InvalidArgument. Ceph lists from the start and
	// shows it.
	// Source: rgw_rest_s3.cc, RGWListBucket_ObjStore_S3v2::get_params and send_response.
	EmptyTokenStarts bool

	// StartAfterBesideToken is about ListObjectsV2 with start-after and continuation-token. Amazon shows StartAfter only without a
	// token, Ceph always.
	// Source: rgw_rest_s3.cc, RGWListBucket_ObjStore_S3v2::send_response.
	StartAfterBesideToken bool

	// ListPrefixPlain is about the Prefix of ListObjects and ListObjectsV2 with encoding-type=url. Amazon encodes it, Ceph does not.
	// Source: rgw_rest_s3.cc, RGWListBucket_ObjStore_S3::send_common_response.
	ListPrefixPlain bool

	// NoTenantNamed is about a bucket named ":bucket" in a path or a copy's source. Amazon knows no such name. At Ceph it is the
	// bucket of that name that is of no tenant, as all buckets are here; a tenant in front of the colon has none here.
	// Source: rgw_common.cc, rgw_parse_url_bucket.
	NoTenantNamed bool

	// TenantPrincipals is about principals in policies of buckets. Amazon wants accounts of 12 digits, else 400 MalformedPolicy.
	// Ceph takes any name of a tenant or account, or none, in an ARN, and a bare name for a tenant. There are no tenants here:
	// such a principal is kept, shown, and nobody.
	// Source: rgw_iam_policy.cc, ParseState::parse_principal.
	TenantPrincipals bool

	// StatementsWithoutResource is about policies of buckets. Amazon answers 400 MalformedPolicy to a statement without Resource
	// and NotResource. Ceph takes it, and it allows and denies nothing.
	// Source: rgw_iam_policy.cc, Statement::eval.
	StatementsWithoutResource bool

	// RepeatedSids is about policies of buckets in which two statements have one Sid. Amazon answers 400 MalformedPolicy, Ceph
	// does not look at it.
	// Source: rgw_iam_policy.cc, ParseState::do_string.
	RepeatedSids bool

	// PolicyNamesUnfit is about policies of buckets that name condition keys that S3 has not, services or canonical ids that cannot
	// be, or actions on objects for a bucket and the reverse. Amazon answers 400 MalformedPolicy. Ceph takes them, and they mean
	// nothing; actions that S3 has not it refuses as well.
	// Source: rgw_iam_policy.cc, ParseState::do_string ("is not a valid action"); for services ceph/s3-tests, test_put_bucket_logging_permissions.
	PolicyNamesUnfit bool

	// LoggingTargetAbsent is about server access logging to a bucket that does not exist. Amazon answers 400
	// InvalidTargetBucketForLogging, Ceph 404 NoSuchKey.
	// Source: rgw_rest_bucket_logging.cc, RGWPutBucketLoggingOp::init_processing (-ENOENT).
	LoggingTargetAbsent bool

	// LoggingTargetPlain is about the bucket that logs go to. Amazon takes any of the same owner and region. Ceph answers 400
	// InvalidArgument when it is the source itself, has a default encryption, logs itself, or lets requesters pay.
	// Source: rgw_bucket_logging.cc, verify_target_bucket_attributes; rgw_rest_bucket_logging.cc, RGWPutBucketLoggingOp::execute.
	LoggingTargetPlain bool

	// LoggingByPolicy is about who lets logs in. Amazon wants the target to be of the owner of the source, and asks its policy or
	// list when records are delivered, for the key of each. Ceph asks the policy only, for PutObject on the prefix, when logging
	// is set (403 AccessDenied) and at every delivery. The statement must name the service, the target may be anybody's, and
	// aws:SourceAccount is the owner's id as answers show it.
	// Source: rgw_bucket_logging.cc, verify_target_bucket_policy.
	LoggingByPolicy bool

	// LoggingByOwner is about who sets logging. At Amazon it is who has s3:PutBucketLogging. Ceph wants it to be the bucket's owner
	// besides.
	// Source: rgw_rest_bucket_logging.cc, RGWPutBucketLoggingOp::verify_permission.
	LoggingByOwner bool

	// LoggingShowsDefaults is about GetBucketLogging. Amazon shows the format of keys only where one was set, and grants on what is
	// delivered. Ceph shows the simple format where none was set, and knows no grants: they are not kept.
	// Source: rgw_bucket_logging.cc, configuration::decode_xml and dump_xml.
	LoggingShowsDefaults bool

	// Of objects, their parts, checksums and keys.

	// AbsentPartInvalid is about reading a part of an object by a number that it has not. Amazon answers 416 InvalidPartNumber, Ceph
	// 400 InvalidPart, before it looks at a key of SSE-C.
	// Source: driver/rados/rgw_rados.cc, get_part_obj_state and RGWRados::Object::Read::prepare.
	AbsentPartInvalid bool

	// PartsKeepChecksums is about reading a part by its number when the checksum of the object is of the whole. Amazon shows none,
	// Ceph the part's.
	// Source: driver/rados/rgw_rados.cc, get_part_obj_state (the attributes are the part's); rgw_rest_s3.cc,
	// RGWGetObj_ObjStore_S3::send_response_data.
	PartsKeepChecksums bool

	// MalformedChecksumDiffers is about a checksum of a body that is no base64 of the right length. Amazon answers 400
	// InvalidRequest; Ceph holds the text against the text of what it computed: 400 BadDigest.
	// Source: rgw_cksum_pipe.cc, RGWPutObj_Cksum::verify; rgw_op.cc, RGWPutObj::execute.
	MalformedChecksumDiffers bool

	// ChecksumTypeImplied is about a checksum of the whole that comes with the completion of an upload but without
	// x-amz-checksum-type. Amazon takes it for another kind of checksum, 400 BadDigest; Ceph compares it with its own.
	// Source: rgw_op.cc, RGWCompleteMultipart::execute and try_sum_part_cksums.
	ChecksumTypeImplied bool

	// PartChecksumsOptional is about an upload with a checksum made of those of its parts. Amazon wants them all repeated at the
	// completion, else 400 InvalidRequest; Ceph takes those that it stored.
	// Source: rgw_op.cc, try_sum_part_cksums.
	PartChecksumsOptional bool

	// AttributesCountParts is about the checksum in GetObjectAttributes of an object whose checksum is made of those of its parts.
	// Amazon leaves the number of parts away, Ceph shows it as HeadObject does.
	// Source: rgw_rest_s3.cc, RGWGetObjAttrs_ObjStore_S3::send_response.
	AttributesCountParts bool

	// AttributesListParts is about ObjectParts in GetObjectAttributes. Amazon lists parts only where the checksum of the object is
	// made of theirs, Ceph those of every object made from parts.
	// Source: rgw_rest_s3.cc, RGWGetObjAttrs_ObjStore_S3::send_response; driver/rados/rgw_sal_rados.cc, RadosObject::list_parts.
	AttributesListParts bool

	// WriteConditionsByETag is about If-None-Match with an ETag and If-Match: * when an object is written or an upload completed.
	// Amazon answers 501 NotImplemented, and 409 ConditionalRequestConflict to a completion whose condition came about after the
	// upload began; Ceph holds every condition against the current version at the commit, and nothing else.
	// Source: rgw_rest_s3.cc, RGWPutObj_ObjStore_S3::get_params and RGWCompleteMultipart_ObjStore_S3::get_params;
	// driver/rados/rgw_rados.cc, check_preconditions.
	WriteConditionsByETag bool

	// AnonymousUploads is about multipart uploads that nobody signed, where a policy or list would allow them. Amazon answers 403
	// AccessDenied, Ceph asks nothing but policy and list.
	// Source: aws/aws-sdk-cpp issue 1575, with the answer of Amazon; rgw_op.cc, RGWInitMultipart::verify_permission.
	AnonymousUploads bool

	// PartsInAnyOrder is about the list of parts that completes an upload. Amazon wants ascending numbers, else 400
	// InvalidPartOrder; Ceph sorts them, and of a number named twice takes the last.
	// Source: rgw_multi.h, RGWMultiCompleteUpload (parts are a map); rgw_multi.cc.
	PartsInAnyOrder bool

	// EmptyCompletionMalformed is about completing an upload without a body. Amazon answers 400 InvalidRequest, Ceph 400
	// MalformedXML, whether there is such an upload or not.
	// Source: rgw_op.cc, RGWCompleteMultipart::execute.
	EmptyCompletionMalformed bool

	// CopyRangeUnsatisfied is about a range of an UploadPartCopy that ends, or begins, behind its source. Amazon answers 400
	// InvalidArgument (InvalidRequest where it begins there), Ceph 416 InvalidRange.
	// Source: rgw_op.cc, RGWPutObj::execute and get_data (-ERANGE).
	CopyRangeUnsatisfied bool

	// AbsenceTellsMarker is about x-amz-delete-marker in the answer 404 to a GET or HEAD. Amazon sends it only where there is a
	// delete marker, Ceph says false where there is none.
	// Source: rgw_rest.cc, RGWHandler_REST::read_permissions.
	AbsenceTellsMarker bool

	// OtherCustomerKeyInvalid is about reading an object with another key of SSE-C than it was written with. Amazon answers 403
	// AccessDenied, Ceph 400 InvalidArgument.
	// Source: rgw_crypt.cc, rgw_s3_prepare_decrypt.
	OtherCustomerKeyInvalid bool

	// CompletionNeedsCustomerKey is about completing an upload that was begun with a key of SSE-C. Amazon asks for the key where a
	// checksum algorithm was asked for, Ceph always, and names it in the answer.
	// Source: rgw_op.cc, RGWCompleteMultipart::execute (ceph/ceph pull request 71241).
	CompletionNeedsCustomerKey bool

	// KMSKeyMustBeNamed is about requests that ask for aws:kms without a key. Amazon uses the account's default key, Ceph answers
	// 400 InvalidArgument.
	// Source: rgw_crypt.cc, rgw_s3_prepare_encrypt.
	KMSKeyMustBeNamed bool
}

// Amazon is the dialect of Amazon S3, the default.
func Amazon() Dialect { return Dialect{} }

// Ceph is the dialect of Ceph's RADOS Gateway.
func Ceph() Dialect {
	return Dialect{
		RecreateComparesACL:   true,
		PolicyStatusOfACL:     true,
		OddExpiresDenied:      true,
		GrantsByGrantee:       true,
		GrantsByEmail:         true,
		ExpectedOwnerAnyID:    true,
		ExcessTagsInvalid:     true,
		EmptyTokenStarts:      true,
		StartAfterBesideToken: true,
		ListPrefixPlain:       true,

		NoTenantNamed:             true,
		TenantPrincipals:          true,
		StatementsWithoutResource: true,
		RepeatedSids:              true,
		PolicyNamesUnfit:          true,

		LoggingTargetAbsent:  true,
		LoggingTargetPlain:   true,
		LoggingByPolicy:      true,
		LoggingByOwner:       true,
		LoggingShowsDefaults: true,

		AbsentPartInvalid:          true,
		PartsKeepChecksums:         true,
		MalformedChecksumDiffers:   true,
		ChecksumTypeImplied:        true,
		PartChecksumsOptional:      true,
		AttributesCountParts:       true,
		AttributesListParts:        true,
		WriteConditionsByETag:      true,
		AnonymousUploads:           true,
		PartsInAnyOrder:            true,
		EmptyCompletionMalformed:   true,
		CopyRangeUnsatisfied:       true,
		AbsenceTellsMarker:         true,
		OtherCustomerKeyInvalid:    true,
		CompletionNeedsCustomerKey: true,
		KMSKeyMustBeNamed:          true,
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
