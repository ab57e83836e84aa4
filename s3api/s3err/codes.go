package s3err

import "net/http"

// Code is an S3 error code.
type Code string

// The codes, in alphabetical order.
const (
	AccessControlListNotSupported     Code = "AccessControlListNotSupported"
	AccessDenied                      Code = "AccessDenied"
	AccessForbidden                   Code = "AccessForbidden"
	AuthorizationHeaderMalformed      Code = "AuthorizationHeaderMalformed"
	AuthorizationQueryParametersError Code = "AuthorizationQueryParametersError"
	BadDigest                         Code = "BadDigest"
	BadRequest                        Code = "BadRequest"
	BucketAlreadyExists               Code = "BucketAlreadyExists"
	BucketAlreadyOwnedByYou           Code = "BucketAlreadyOwnedByYou"
	BucketNotEmpty                    Code = "BucketNotEmpty"
	ConditionalRequestConflict        Code = "ConditionalRequestConflict"
	CrossLocationLogging              Code = "CrossLocationLoggingProhibitted" // sic
	EntityTooLarge                    Code = "EntityTooLarge"
	EntityTooSmall                    Code = "EntityTooSmall"
	ExpiredToken                      Code = "ExpiredToken"
	IDMismatch                        Code = "IdMismatch"
	IdempotencyMismatch               Code = "IdempotencyParameterMismatch"
	IllegalLocationConstraint         Code = "IllegalLocationConstraintException"
	IllegalVersioningConfiguration    Code = "IllegalVersioningConfigurationException"
	IncompleteBody                    Code = "IncompleteBody"
	IncorrectNumberOfFilesInPost      Code = "IncorrectNumberOfFilesInPostRequest"
	InternalError                     Code = "InternalError"
	InvalidAccessKeyID                Code = "InvalidAccessKeyId"
	InvalidArgument                   Code = "InvalidArgument"
	InvalidBucketACL                  Code = "InvalidBucketAclWithObjectOwnership"
	InvalidPublicACL                  Code = "InvalidBucketAclWithBlockPublicAccessError"
	InvalidBucketName                 Code = "InvalidBucketName"
	InvalidBucketNamespace            Code = "InvalidBucketNamespace"
	InvalidBucketOwner                Code = "InvalidBucketOwnerAWSAccountID"
	InvalidBucketState                Code = "InvalidBucketState"
	InvalidChunkSize                  Code = "InvalidChunkSizeError"
	InvalidDigest                     Code = "InvalidDigest"
	InvalidEncryptionAlgorithm        Code = "InvalidEncryptionAlgorithmError"
	InvalidLocationConstraint         Code = "InvalidLocationConstraint"
	InvalidObjectState                Code = "InvalidObjectState"
	InvalidPart                       Code = "InvalidPart"
	InvalidPartNumber                 Code = "InvalidPartNumber"
	InvalidPartOrder                  Code = "InvalidPartOrder"
	InvalidPolicyDocument             Code = "InvalidPolicyDocument"
	InvalidRange                      Code = "InvalidRange"
	InvalidRequest                    Code = "InvalidRequest"
	InvalidRetentionPeriod            Code = "InvalidRetentionPeriod"
	InvalidS3DestinationBucket        Code = "InvalidS3DestinationBucket"
	InvalidStorageClass               Code = "InvalidStorageClass"
	InvalidTag                        Code = "InvalidTag"
	InvalidTargetBucketForLogging     Code = "InvalidTargetBucketForLogging"
	InvalidToken                      Code = "InvalidToken"
	InvalidURI                        Code = "InvalidURI"
	KMSDisabled                       Code = "KMS.DisabledException"
	KMSNotFound                       Code = "KMS.NotFoundException"
	KeyTooLong                        Code = "KeyTooLongError"
	MalformedACL                      Code = "MalformedACLError"
	MalformedPOSTRequest              Code = "MalformedPOSTRequest"
	MalformedPolicy                   Code = "MalformedPolicy"
	MalformedTrailer                  Code = "MalformedTrailerError"
	MalformedXML                      Code = "MalformedXML"
	MaxMessageLengthExceeded          Code = "MaxMessageLengthExceeded"
	MaxPostPreDataLengthExceeded      Code = "MaxPostPreDataLengthExceededError"
	MetadataConfigurationNotFound     Code = "MetadataConfigurationNotFound"
	MetadataTooLarge                  Code = "MetadataTooLarge"
	MethodNotAllowed                  Code = "MethodNotAllowed"
	MissingContentLength              Code = "MissingContentLength"
	MissingRequestBody                Code = "MissingRequestBodyError"
	MissingNamespaceHeader            Code = "MissingNamespaceHeader"
	MissingSecurityHeader             Code = "MissingSecurityHeader"
	NoSuchBucket                      Code = "NoSuchBucket"
	NoSuchBucketPolicy                Code = "NoSuchBucketPolicy"
	NoSuchCORSConfiguration           Code = "NoSuchCORSConfiguration"
	NoSuchConfiguration               Code = "NoSuchConfiguration"
	NoSuchKey                         Code = "NoSuchKey"
	NoSuchLifecycleConfiguration      Code = "NoSuchLifecycleConfiguration"
	NoSuchObjectLockConfiguration     Code = "NoSuchObjectLockConfiguration"
	NoSuchPublicAccessBlock           Code = "NoSuchPublicAccessBlockConfiguration"
	NoSuchTagSet                      Code = "NoSuchTagSet"
	NoSuchUpload                      Code = "NoSuchUpload"
	NoSuchVersion                     Code = "NoSuchVersion"
	NoSuchWebsiteConfiguration        Code = "NoSuchWebsiteConfiguration"
	NotImplemented                    Code = "NotImplemented"
	NotModified                       Code = "NotModified"
	ObjectLockConfigurationNotFound   Code = "ObjectLockConfigurationNotFoundError"
	OperationAborted                  Code = "OperationAborted"
	OwnershipControlsNotFound         Code = "OwnershipControlsNotFoundError"
	PreconditionFailed                Code = "PreconditionFailed"
	QuotaExceeded                     Code = "QuotaExceeded"
	ReplicationConfigurationNotFound  Code = "ReplicationConfigurationNotFoundError"
	RequestHeaderSectionTooLarge      Code = "RequestHeaderSectionTooLarge"
	RequestTimeTooSkewed              Code = "RequestTimeTooSkewed"
	RequestTimeout                    Code = "RequestTimeout"
	RestoreAlreadyInProgress          Code = "RestoreAlreadyInProgress"
	SSEConfigurationNotFound          Code = "ServerSideEncryptionConfigurationNotFoundError"
	ServiceUnavailable                Code = "ServiceUnavailable"
	SignatureDoesNotMatch             Code = "SignatureDoesNotMatch"
	SlowDown                          Code = "SlowDown"
	TooManyBuckets                    Code = "TooManyBuckets"
	TooManyConfigurations             Code = "TooManyConfigurations"
	TooManyParts                      Code = "TooManyParts"
	UnexpectedContent                 Code = "UnexpectedContent"
	UnresolvableGrant                 Code = "UnresolvableGrantByEmailAddress"
	UserKeyMustBeSpecified            Code = "UserKeyMustBeSpecified"
	XAmzContentChecksumMismatch       Code = "XAmzContentChecksumMismatch"
	XAmzContentSHA256Mismatch         Code = "XAmzContentSHA256Mismatch"
)

type row struct {
	status  int
	message string
}

// table gives each code its status and the message that is sent when a failure brings none of its own.
var table = map[Code]row{
	AccessControlListNotSupported:     {http.StatusBadRequest, "The bucket does not allow ACLs"},
	AccessForbidden:                   {http.StatusForbidden, "CORSResponse: CORS is not enabled for this bucket."},
	AccessDenied:                      {http.StatusForbidden, "Access Denied"},
	AuthorizationHeaderMalformed:      {http.StatusBadRequest, "The authorization header that you provided is not valid."},
	AuthorizationQueryParametersError: {http.StatusBadRequest, "The authorization query parameters that you provided are not valid."},
	BadDigest:                         {http.StatusBadRequest, "The Content-MD5 you specified did not match what we received."},
	BadRequest:                        {http.StatusBadRequest, "An error occurred when parsing the HTTP request."},
	BucketAlreadyExists:               {http.StatusConflict, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."},
	BucketAlreadyOwnedByYou:           {http.StatusConflict, "Your previous request to create the named bucket succeeded and you already own it."},
	BucketNotEmpty:                    {http.StatusConflict, "The bucket you tried to delete is not empty"},
	ConditionalRequestConflict:        {http.StatusConflict, "The conditional request cannot succeed due to a conflicting operation against this resource."},
	CrossLocationLogging:              {http.StatusForbidden, "Cross S3 location logging not allowed. "},
	InvalidTargetBucketForLogging:     {http.StatusBadRequest, "The target bucket for logging does not exist, is not owned by you, or does not have the appropriate grants for the log-delivery group."},
	EntityTooLarge:                    {http.StatusBadRequest, "Your proposed upload exceeds the maximum allowed size"},
	EntityTooSmall:                    {http.StatusBadRequest, "Your proposed upload is smaller than the minimum allowed size"},
	ExpiredToken:                      {http.StatusBadRequest, "The provided token has expired."},
	IDMismatch:                        {http.StatusBadRequest, "Document ID does not match the specified configuration ID."},
	InvalidS3DestinationBucket:        {http.StatusBadRequest, "Invalid bucket ARN."},
	MetadataConfigurationNotFound:     {http.StatusNotFound, "The metadata configuration was not found"},
	TooManyConfigurations:             {http.StatusBadRequest, "You are attempting to create a new configuration but have already reached the 1,000-configuration limit."},
	IdempotencyMismatch:               {http.StatusBadRequest, "The client token was used for another request."},
	IllegalLocationConstraint:         {http.StatusBadRequest, "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."},
	IllegalVersioningConfiguration:    {http.StatusBadRequest, "The Versioning element must be specified"},
	IncompleteBody:                    {http.StatusBadRequest, "You did not provide the number of bytes specified by the Content-Length HTTP header"},
	IncorrectNumberOfFilesInPost:      {http.StatusBadRequest, "POST requires exactly one file upload per request."},
	InternalError:                     {http.StatusInternalServerError, "We encountered an internal error. Please try again."},
	InvalidAccessKeyID:                {http.StatusForbidden, "The AWS Access Key Id you provided does not exist in our records."},
	InvalidArgument:                   {http.StatusBadRequest, "Invalid Argument"},
	InvalidPublicACL:                  {http.StatusBadRequest, "Bucket cannot have public ACLs set with BlockPublicAccess enabled"},
	InvalidBucketACL:                  {http.StatusBadRequest, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"},
	InvalidBucketNamespace:            {http.StatusBadRequest, "The name of the bucket does not fit the namespace: in the account regional one it ends with the account, the region and -an."},
	InvalidBucketName:                 {http.StatusBadRequest, "The specified bucket is not valid."},
	InvalidBucketOwner:                {http.StatusBadRequest, "The value of the expected bucket owner parameter must be an AWS Account ID"},
	InvalidBucketState:                {http.StatusConflict, "The request is not valid with the current state of the bucket."},
	InvalidChunkSize:                  {http.StatusBadRequest, "Only the last chunk is allowed to have a size less than 8192 bytes"},
	InvalidDigest:                     {http.StatusBadRequest, "The Content-MD5 you specified was invalid."},
	InvalidEncryptionAlgorithm:        {http.StatusBadRequest, "The Encryption request you specified is not valid. Supported value: AES256."},
	InvalidLocationConstraint:         {http.StatusBadRequest, "The specified location-constraint is not valid"},
	InvalidObjectState:                {http.StatusForbidden, "The operation is not valid for the object's storage class"},
	InvalidPart:                       {http.StatusBadRequest, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."},
	InvalidPartNumber:                 {http.StatusRequestedRangeNotSatisfiable, "The requested partnumber is not satisfiable"},
	InvalidPartOrder:                  {http.StatusBadRequest, "The list of parts was not in ascending order. Parts must be ordered by part number."},
	InvalidPolicyDocument:             {http.StatusBadRequest, "Invalid Policy: Invalid JSON."},
	InvalidRange:                      {http.StatusRequestedRangeNotSatisfiable, "The requested range is not satisfiable"},
	InvalidRequest:                    {http.StatusBadRequest, "Invalid Request"},
	InvalidRetentionPeriod:            {http.StatusBadRequest, "The retention period must be a positive integer value"},
	InvalidStorageClass:               {http.StatusBadRequest, "The storage class you specified is not valid"},
	InvalidTag:                        {http.StatusBadRequest, "The tag provided was not a valid tag. This error can occur if the tag did not pass input validation."},
	InvalidToken:                      {http.StatusBadRequest, "The provided token is malformed or otherwise invalid."},
	InvalidURI:                        {http.StatusBadRequest, "Couldn't parse the specified URI."},
	KMSDisabled:                       {http.StatusBadRequest, "The key is disabled."},
	KMSNotFound:                       {http.StatusBadRequest, "The key does not exist."},
	KeyTooLong:                        {http.StatusBadRequest, "Your key is too long"},
	MalformedACL:                      {http.StatusBadRequest, "The XML you provided was not well-formed or did not validate against our published schema"},
	MalformedPOSTRequest:              {http.StatusBadRequest, "The body of your POST request is not well-formed multipart/form-data."},
	MalformedPolicy:                   {http.StatusBadRequest, "Policy has invalid resource"},
	MalformedTrailer:                  {http.StatusBadRequest, "The request contained trailing data that was not well-formed or did not conform to our published schema."},
	MalformedXML:                      {http.StatusBadRequest, "The XML you provided was not well-formed or did not validate against our published schema"},
	MaxMessageLengthExceeded:          {http.StatusBadRequest, "Your request was too big."},
	MaxPostPreDataLengthExceeded:      {http.StatusBadRequest, "Your POST request fields preceding the upload file were too large."},
	MetadataTooLarge:                  {http.StatusBadRequest, "Your metadata headers exceed the maximum allowed metadata size"},
	MethodNotAllowed:                  {http.StatusMethodNotAllowed, "The specified method is not allowed against this resource."},
	MissingContentLength:              {http.StatusLengthRequired, "You must provide the Content-Length HTTP header."},
	MissingRequestBody:                {http.StatusBadRequest, "Request body is empty."},
	MissingNamespaceHeader:            {http.StatusBadRequest, "Names that end with -an are those of account regional namespaces; x-amz-bucket-namespace has to say so."},
	MissingSecurityHeader:             {http.StatusBadRequest, "Your request was missing a required header"},
	NoSuchBucket:                      {http.StatusNotFound, "The specified bucket does not exist"},
	NoSuchBucketPolicy:                {http.StatusNotFound, "The bucket policy does not exist"},
	NoSuchCORSConfiguration:           {http.StatusNotFound, "The CORS configuration does not exist"},
	NoSuchConfiguration:               {http.StatusNotFound, "The specified configuration does not exist."},
	NoSuchKey:                         {http.StatusNotFound, "The specified key does not exist."},
	NoSuchLifecycleConfiguration:      {http.StatusNotFound, "The lifecycle configuration does not exist"},
	NoSuchObjectLockConfiguration:     {http.StatusNotFound, "The specified object does not have a ObjectLock configuration"},
	NoSuchPublicAccessBlock:           {http.StatusNotFound, "The public access block configuration was not found"},
	NoSuchTagSet:                      {http.StatusNotFound, "The TagSet does not exist"},
	NoSuchUpload:                      {http.StatusNotFound, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."},
	NoSuchVersion:                     {http.StatusNotFound, "The specified version does not exist."},
	NoSuchWebsiteConfiguration:        {http.StatusNotFound, "The specified bucket does not have a website configuration"},
	NotImplemented:                    {http.StatusNotImplemented, "A header you provided implies functionality that is not implemented"},
	NotModified:                       {http.StatusNotModified, "Not Modified"},
	ObjectLockConfigurationNotFound:   {http.StatusNotFound, "Object Lock configuration does not exist for this bucket"},
	OperationAborted:                  {http.StatusConflict, "A conflicting conditional operation is currently in progress against this resource. Please try again."},
	OwnershipControlsNotFound:         {http.StatusNotFound, "The bucket ownership controls were not found"},
	PreconditionFailed:                {http.StatusPreconditionFailed, "At least one of the pre-conditions you specified did not hold"},
	QuotaExceeded:                     {http.StatusForbidden, "The quota does not allow this to be stored."},
	ReplicationConfigurationNotFound:  {http.StatusNotFound, "The replication configuration was not found"},
	RequestHeaderSectionTooLarge:      {http.StatusBadRequest, "Your request header section exceeds the maximum allowed request header section size"},
	RequestTimeTooSkewed:              {http.StatusForbidden, "The difference between the request time and the current time is too large."},
	RequestTimeout:                    {http.StatusBadRequest, "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed."},
	RestoreAlreadyInProgress:          {http.StatusConflict, "Object restore is already in progress"},
	SSEConfigurationNotFound:          {http.StatusNotFound, "The server side encryption configuration was not found"},
	ServiceUnavailable:                {http.StatusServiceUnavailable, "Service is unable to handle request."},
	SignatureDoesNotMatch:             {http.StatusForbidden, "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
	SlowDown:                          {http.StatusServiceUnavailable, "Please reduce your request rate."},
	TooManyBuckets:                    {http.StatusBadRequest, "You have attempted to create more buckets than allowed"},
	TooManyParts:                      {http.StatusBadRequest, "You have attempted to upload more parts than allowed"},
	UnexpectedContent:                 {http.StatusBadRequest, "This request does not support content"},
	UnresolvableGrant:                 {http.StatusBadRequest, "The e-mail address you provided does not match any account on record."},
	UserKeyMustBeSpecified:            {http.StatusBadRequest, "The bucket POST must contain the specified field name. If it is specified, please check the order of the fields."},
	XAmzContentChecksumMismatch:       {http.StatusBadRequest, "The provided x-amz-checksum header does not match what was computed."},
	XAmzContentSHA256Mismatch:         {http.StatusBadRequest, "The provided 'x-amz-content-sha256' header does not match what was computed."},
}

// Codes lists every code that has a row.
func Codes() []Code {
	all := make([]Code, 0, len(table))
	for c := range table {
		all = append(all, c)
	}
	return all
}
