package object

import (
	"io"
	"time"

	"github.com/aureole-cloud/aureole/core/checksum"
)

// Limits of S3, from the Amazon S3 User Guide.
const (
	MaxKeyLen       = 1024     // bytes of UTF-8
	MaxObjectSize   = 50 << 40 // bytes of one object made by multipart upload (50 TiB since Dec 2025)
	MaxPutSize      = 5 << 30  // bytes of one PutObject, UploadPart or CopyObject
	MinPartSize     = 5 << 20  // bytes of every part but the last, checked at completion
	MaxParts        = 10000    // part numbers run from 1 to MaxParts
	MaxListKeys     = 1000     // entries of one listing page
	MaxDeleteKeys   = 1000     // keys of one DeleteObjects
	MaxUserMetadata = 2 << 10  // bytes of names and values of user metadata
	MaxObjectTags   = 10       // tags of one object
	MaxBucketTags   = 50       // tags of one bucket
	MaxTagKeyLen    = 128      // UTF-16 code units of a tag's key
	MaxTagValueLen  = 256      // UTF-16 code units of a tag's value
	MaxBuckets      = 10000    // buckets of one account
	MaxListBuckets  = 10000    // buckets of one ListBuckets page
)

// Tag is a key and its value. Order is kept as given.
type Tag struct{ Key, Value string }

// Meta is one entry of user metadata; Name is lower case and without the x-amz-meta- prefix.
type Meta struct{ Name, Value string }

// Owner is whose a bucket or an object is.
type Owner struct {
	AccountID   string // 12 digits
	CanonicalID string // 64 hex digits, what S3 shows as ID
	DisplayName string
}

// Versioning is a bucket's versioning state.
type Versioning uint8

// The states. A bucket never goes back to VersioningOff.
const (
	VersioningOff Versioning = iota
	VersioningEnabled
	VersioningSuspended
)

// Bucket describes a bucket.
type Bucket struct {
	Name       string
	ID         BucketID // internal, never reused
	Region     string   // as asked at creation; "" means the server's default region
	Owner      Owner
	Created    time.Time
	Versioning Versioning
	Lock       LockConfig
	Encryption BucketEncryption
	Quota      Quota
	Tags       []Tag
}

// Headers are the content headers S3 stores and returns as they were sent.
type Headers struct {
	ContentType        string
	CacheControl       string
	ContentDisposition string
	ContentEncoding    string // without aws-chunked
	ContentLanguage    string
	Expires            string
	WebsiteRedirect    string
}

// Checksum is a stored or computed checksum. Value is base64, with "-N" when composite.
type Checksum struct {
	Algorithm checksum.Algorithm
	Type      checksum.Type // full object or composite
	Value     string
}

// ChecksumSpec is what a caller asks of a body: an algorithm, and the value if it is known.
type ChecksumSpec struct {
	Algorithm checksum.Algorithm
	Value     string                 // base64; "" when it comes in a trailer or is only to be computed
	Trailer   func() (string, error) // called once after the end of the body; nil when there is no trailer
}

// WriteConditions guard a write or a delete. The zero value is unconditional. ETags are without quotes.
type WriteConditions struct {
	IfMatch             string    // ETag, or "*" for any
	IfNoneMatch         string    // only "*" is allowed by S3 for writes
	IfMatchSize         *int64    // DeleteObject only
	IfMatchLastModified time.Time // DeleteObject only; zero is unset
}

// ReadConditions guard a read. ETags are without quotes; several are alternatives.
type ReadConditions struct {
	IfMatch           []string
	IfNoneMatch       []string
	IfModifiedSince   time.Time
	IfUnmodifiedSince time.Time
}

// Info describes one version of an object.
type Info struct {
	Bucket       string
	Key          string
	VersionID    string // "" when the bucket was never versioned, "null" for null versions of a versioned one
	IsLatest     bool
	DeleteMarker bool
	Size         int64
	ETag         string // without quotes
	LastModified time.Time
	Owner        Owner
	StorageClass string // "STANDARD" when none was given
	Headers      Headers
	Metadata     []Meta
	Tags         []Tag
	Checksums    []Checksum
	PartsCount   int        // parts it was completed from; 0 for a single upload
	Multipart    bool       // made by CompleteMultipartUpload
	Lock         ObjectLock // as far as the caller may see it
	Expires      *Expiry    // by lifecycle; of a current version that was asked for as such
	Replication  ReplicationStatus
	Restore      *Restore // of an archived version that was asked back
	Encryption   EncryptionInfo
}

// PutInput is a PutObject.
type PutInput struct {
	Bucket, Key  string
	Body         io.Reader
	Size         int64 // bytes Body will give; -1 when unknown (POST forms), then MaxSize bounds it
	MaxSize      int64 // bound when Size is -1
	Form         bool  // came as a form
	Headers      Headers
	Metadata     []Meta
	Tags         []Tag
	StorageClass string
	Lock         ObjectLock
	ACL          ACLInput
	ContentMD5   []byte         // 16 bytes to verify, or nil
	Checksums    []ChecksumSpec // empty: CRC64NVME is computed and stored, as S3 does
	Conditions   WriteConditions
	Encryption   Encryption
}

// PutResult answers a PutObject, an UploadPart or a completed upload.
type PutResult struct {
	ETag         string
	VersionID    string
	Size         int64
	LastModified time.Time
	Checksums    []Checksum
	Expires      *Expiry // by lifecycle
	Encryption   EncryptionInfo
}

// RangeKind is the form of a range.
type RangeKind uint8

// The forms of a Range header that S3 honours.
const (
	RangeNone   RangeKind = iota
	RangeFrom             // bytes=First-
	RangeFromTo           // bytes=First-Last
	RangeSuffix           // bytes=-Last
)

// Range is a parsed Range header, not yet held against a size.
type Range struct {
	Kind        RangeKind
	First, Last int64
}

// GetInput is a GetObject or HeadObject.
type GetInput struct {
	Bucket, Key string
	VersionID   string // "" is the current version
	Range       Range
	PartNumber  int // 0 is none; excludes Range
	Conditions  ReadConditions
	Customer    *CustomerKey // of an object encrypted with SSE-C
}

// GetResult is an object's description and, for Get, its body.
type GetResult struct {
	Info
	Offset, Length int64 // the part of the body that Body gives; Length == Size without a range
	Partial        bool  // a range or part was asked: 206
	Body           Body  // nil for Head; the caller closes it
}

// Body streams verified bytes. Close it on every path; it may be closed before its end.
type Body interface {
	io.ReadCloser
	io.WriterTo
}

// DeleteInput is a DeleteObject.
type DeleteInput struct {
	Bucket, Key string
	VersionID   string
	Conditions  WriteConditions

	BypassGovernance bool // delete what a governance retention keeps, which needs a permission of its own
}

// DeleteResult answers a DeleteObject.
type DeleteResult struct {
	VersionID    string // of the deleted version or of the marker made
	DeleteMarker bool
}

// CopyInput is a CopyObject or, with UploadID, an UploadPartCopy.
type CopyInput struct {
	SrcBucket, SrcKey, SrcVersionID string
	forReplica                      bool // the source may be archived, and of any size
	SrcConditions                   ReadConditions
	SrcRange                        Range // UploadPartCopy only
	SrcCustomer                     *CustomerKey

	Bucket, Key       string
	UploadID          string // UploadPartCopy only
	PartNumber        int    // UploadPartCopy only
	ReplaceMetadata   bool   // take Headers and Metadata from here, not from the source
	ReplaceTags       bool
	Headers           Headers
	Metadata          []Meta
	Tags              []Tag
	StorageClass      string
	Lock              ObjectLock         // never the source's
	ACL               ACLInput           // never the source's
	ChecksumAlgorithm checksum.Algorithm // none: keep the source's
	Conditions        WriteConditions
	Encryption        Encryption // never the source's; of a part only the customer's key
}

// CopyResult answers a copy.
type CopyResult struct {
	PutResult
	SrcVersionID string
	SrcSize      int64
}

// ListInput is a page of a listing of current objects, for both versions of the API.
type ListInput struct {
	Bucket     string
	Prefix     string
	Delimiter  string
	StartAfter string // keys strictly after it; a marker or common prefix to skip past
	MaxKeys    int    // 0 gives an empty page; above MaxListKeys it is clamped
	Restores   bool   // show those of archived objects
}

// ListEntry is one object of a listing.
type ListEntry struct {
	Key          string
	Size         int64
	ETag         string
	LastModified time.Time
	StorageClass string
	Owner        *Owner // shared with other entries
	Checksums    []checksum.Algorithm
	ChecksumType checksum.Type
	Restore      *Restore
}

// ListPage is one page.
type ListPage struct {
	Entries        []ListEntry
	CommonPrefixes []string
	Truncated      bool
	Next           string // pass as StartAfter for the next page; the last key or common prefix given
	Region         string // of the bucket; "" is the server's

	room *pageRoom // of Entries
}

// ListBucketsInput is a page of ListBuckets.
type ListBucketsInput struct {
	Prefix string
	Region string // "" is all
	After  string // names strictly after it
	Max    int    // 0 is MaxListBuckets
}

// ListBucketsPage is one page of the caller's buckets, by name.
type ListBucketsPage struct {
	Buckets []Bucket
	Next    string // "" at the end
}

// CreateBucketInput is a CreateBucket.
type CreateBucketInput struct {
	Name   string
	Region string
	Tags   []Tag

	ObjectLock bool // versioned from the start, and versions can be locked

	ACL       ACLInput
	Ownership *Ownership // nil is Config.Ownership
}

// CreateUploadInput begins a multipart upload.
type CreateUploadInput struct {
	Bucket, Key       string
	Headers           Headers
	Metadata          []Meta
	Tags              []Tag
	StorageClass      string
	Lock              ObjectLock
	ACL               ACLInput
	ChecksumAlgorithm checksum.Algorithm // none: CRC64NVME full object is kept
	ChecksumType      checksum.Type
	Encryption        Encryption
}

// Upload describes a multipart upload under way.
type Upload struct {
	Bucket, Key       string
	UploadID          string
	Initiated         time.Time
	Owner             Owner
	Initiator         Owner
	StorageClass      string
	ChecksumAlgorithm checksum.Algorithm
	ChecksumType      checksum.Type
	Aborts            *Expiry // by lifecycle
	Encryption        EncryptionInfo
}

// PartInput is an UploadPart.
type PartInput struct {
	Bucket, Key, UploadID string
	PartNumber            int
	Body                  io.Reader
	Size                  int64
	ContentMD5            []byte
	Checksums             []ChecksumSpec
	Customer              *CustomerKey // of an upload encrypted with SSE-C
}

// Part describes an uploaded part.
type Part struct {
	Number       int
	Size         int64
	ETag         string
	LastModified time.Time
	Checksums    []Checksum
}

// CompletePart is one entry of the list a client completes an upload with.
type CompletePart struct {
	Number    int
	ETag      string // without quotes
	Checksums []Checksum
}

// CompleteInput completes a multipart upload.
type CompleteInput struct {
	Bucket, Key, UploadID string
	Parts                 []CompletePart
	Checksum              *Checksum // the whole object's, if the client gave one
	ObjectSize            *int64    // x-amz-mp-object-size
	Customer              *CustomerKey
	Conditions            WriteConditions
}

// ListPartsInput is a page of ListParts.
type ListPartsInput struct {
	Bucket, Key, UploadID string
	After                 int
	Max                   int
}

// ListPartsPage is one page.
type ListPartsPage struct {
	Upload
	Parts     []Part
	Truncated bool
	Next      int
}

// ListUploadsInput is a page of ListMultipartUploads.
type ListUploadsInput struct {
	Bucket, Prefix, Delimiter string
	KeyMarker, UploadIDMarker string
	Max                       int
}

// ListUploadsPage is one page.
type ListUploadsPage struct {
	Uploads            []Upload
	CommonPrefixes     []string
	Truncated          bool
	NextKeyMarker      string
	NextUploadIDMarker string
}

// AttributesResult answers GetObjectAttributes: the description and a page of its parts.
type AttributesResult struct {
	Info
	Parts     []Part // only when the object was made from parts
	Truncated bool
	NextPart  int
}
