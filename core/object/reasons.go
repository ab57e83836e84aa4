package object

import "github.com/aureole-cloud/aureole/core/errs"

// The rules of S3 that can fail, beyond their kind. Front ends translate them into codes; most codes of S3 carry
// the same name.
const (
	NoSuchBucket        errs.Reason = "NoSuchBucket"
	NoSuchKey           errs.Reason = "NoSuchKey"
	NoSuchVersion       errs.Reason = "NoSuchVersion"
	NoSuchUpload        errs.Reason = "NoSuchUpload"
	NoSuchTagSet        errs.Reason = "NoSuchTagSet"
	BucketExists        errs.Reason = "BucketAlreadyExists"     // somebody else's
	BucketOwned         errs.Reason = "BucketAlreadyOwnedByYou" // the caller's own
	BucketNotEmpty      errs.Reason = "BucketNotEmpty"
	InvalidBucketName   errs.Reason = "InvalidBucketName"
	TooManyBuckets      errs.Reason = "TooManyBuckets"
	KeyTooLong          errs.Reason = "KeyTooLongError"
	InvalidArgument     errs.Reason = "InvalidArgument"
	InvalidRequest      errs.Reason = "InvalidRequest"
	InvalidRange        errs.Reason = "InvalidRange"
	InvalidPartNumber   errs.Reason = "InvalidPartNumber"
	InvalidPart         errs.Reason = "InvalidPart"
	InvalidPartOrder    errs.Reason = "InvalidPartOrder"
	EntityTooSmall      errs.Reason = "EntityTooSmall"
	EntityTooLarge      errs.Reason = "EntityTooLarge"
	MetadataTooLarge    errs.Reason = "MetadataTooLarge"
	InvalidTag          errs.Reason = "InvalidTag"
	BadRequest          errs.Reason = "BadRequest" // more tags than an object may have
	BadDigest           errs.Reason = "BadDigest"  // Content-MD5 or a checksum does not match the body
	IncompleteBody      errs.Reason = "IncompleteBody"
	PreconditionFailed  errs.Reason = "PreconditionFailed"
	ConditionalConflict errs.Reason = "ConditionalRequestConflict"
	OperationAborted    errs.Reason = "OperationAborted"
	MethodNotAllowed    errs.Reason = "MethodNotAllowed" // a delete marker was asked by version
	PolicyOfOthers      errs.Reason = "PolicyOfOthers"   // the policy of a bucket is its owner's, whoever it lets do what
	InvalidStorageClass errs.Reason = "InvalidStorageClass"
	NotImplemented      errs.Reason = "NotImplemented"
	IdempotencyMismatch errs.Reason = "IdempotencyParameterMismatch"
	QuotaExceeded       errs.Reason = "QuotaExceeded"
	NoSuchEncryption    errs.Reason = "ServerSideEncryptionConfigurationNotFoundError"

	NoSuchLifecycle       errs.Reason = "NoSuchLifecycleConfiguration"
	CrossLocationLogging  errs.Reason = "CrossLocationLoggingProhibitted"
	InvalidLogTarget      errs.Reason = "InvalidTargetBucketForLogging"
	NoSuchReplication     errs.Reason = "ReplicationConfigurationNotFoundError"
	NoSuchWebsite         errs.Reason = "NoSuchWebsiteConfiguration"
	NoSuchConfiguration   errs.Reason = "NoSuchConfiguration"
	TooManyConfigurations errs.Reason = "TooManyConfigurations"
	MalformedDocument     errs.Reason = "MalformedXML"       // a configuration that breaks the form of its kind
	InvalidObjectState    errs.Reason = "InvalidObjectState" // the version is archived
	RestoreInProgress     errs.Reason = "RestoreAlreadyInProgress"

	InvalidRetentionPeriod errs.Reason = "InvalidRetentionPeriod"
	AccessDenied           errs.Reason = "AccessDenied" // the version is locked
	InvalidBucketState     errs.Reason = "InvalidBucketState"
	NoSuchObjectLock       errs.Reason = "NoSuchObjectLockConfiguration"
	LockConfigNotFound     errs.Reason = "ObjectLockConfigurationNotFoundError"
	MarkerNotFound         errs.Reason = "DeleteMarker" // the current version is a delete marker: 404 with its headers

	MalformedACL            errs.Reason = "MalformedACLError"
	InvalidBucketACL        errs.Reason = "InvalidBucketAclWithObjectOwnership"
	InvalidPublicACL        errs.Reason = "InvalidBucketAclWithBlockPublicAccessError" // a new bucket with a public list, where new ones are blocked
	ACLNotSupported         errs.Reason = "AccessControlListNotSupported"
	NoSuchOwnership         errs.Reason = "OwnershipControlsNotFoundError"
	MalformedPolicy         errs.Reason = "MalformedPolicy"
	NoSuchBucketPolicy      errs.Reason = "NoSuchBucketPolicy"
	NoSuchCORSConfiguration errs.Reason = "NoSuchCORSConfiguration"
	NoSuchPublicAccessBlock errs.Reason = "NoSuchPublicAccessBlockConfiguration"
)
