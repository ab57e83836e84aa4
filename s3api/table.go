package s3api

import (
	"net/http"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// operations is the operation table: everything S3 knows. A row without a handler answers NotImplemented; what is in no row
// answers MethodNotAllowed.
func operations() []operation {
	const (
		get, head, put, post, del = http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete
	)
	return []operation{
		{name: "ListBuckets", method: get, level: onService, handler: listBuckets},

		// S3 Control.
		{name: "ListTagsForResource", method: get, level: onControl, handler: listTagsForResource},
		{name: "TagResource", method: post, level: onControl, handler: tagResource},
		{name: "UntagResource", method: del, level: onControl, handler: untagResource},

		// Buckets.
		{name: "CreateBucket", method: put, level: onBucket, handler: createBucket},
		{name: "DeleteBucket", method: del, level: onBucket, handler: deleteBucket},
		{name: "HeadBucket", method: head, level: onBucket, handler: headBucket},
		{name: "GetBucketLocation", method: get, level: onBucket, sub: "location", handler: getBucketLocation},
		{name: "ListObjects", method: get, level: onBucket, handler: listObjects},
		{name: "ListObjectsV2", method: get, level: onBucket, sub: "list-type", handler: listObjectsV2},
		{name: "ListObjectVersions", method: get, level: onBucket, sub: "versions", handler: listObjectVersions},
		{name: "ListMultipartUploads", method: get, level: onBucket, sub: "uploads", handler: listMultipartUploads},
		{name: "DeleteObjects", method: post, level: onBucket, sub: "delete", handler: deleteObjects},
		{name: "PostObject", method: post, level: onBucket, handler: postObject, auth: byForm},
		{name: "PreflightBucket", method: http.MethodOptions, level: onBucket, handler: preflight, auth: unsigned},
		{name: "GetBucketTagging", method: get, level: onBucket, sub: "tagging", handler: getBucketTagging},
		{name: "PutBucketTagging", method: put, level: onBucket, sub: "tagging", handler: putBucketTagging},
		{name: "DeleteBucketTagging", method: del, level: onBucket, sub: "tagging", handler: deleteBucketTagging},

		// Configurations of buckets: true answers where there are some, see bucket_defaults.go.
		{name: "GetBucketVersioning", method: get, level: onBucket, sub: "versioning", handler: getBucketVersioning},
		{name: "PutBucketVersioning", method: put, level: onBucket, sub: "versioning", handler: putBucketVersioning},
		{name: "GetBucketAcl", method: get, level: onBucket, sub: "acl", handler: getBucketACL},
		{name: "PutBucketAcl", method: put, level: onBucket, sub: "acl", handler: putBucketACL},
		{name: "GetBucketPolicy", method: get, level: onBucket, sub: "policy", handler: getBucketPolicy},
		{name: "PutBucketPolicy", method: put, level: onBucket, sub: "policy", handler: putBucketPolicy},
		{name: "DeleteBucketPolicy", method: del, level: onBucket, sub: "policy", handler: deleteSetting(object.SettingPolicy)},
		{name: "GetBucketPolicyStatus", method: get, level: onBucket, sub: "policyStatus", handler: getBucketPolicyStatus},
		{name: "GetBucketCors", method: get, level: onBucket, sub: "cors", handler: getBucketCORS},
		{name: "PutBucketCors", method: put, level: onBucket, sub: "cors", handler: putBucketCORS},
		{name: "DeleteBucketCors", method: del, level: onBucket, sub: "cors", handler: deleteSetting(object.SettingCORS)},
		{name: "GetBucketLifecycleConfiguration", method: get, level: onBucket, sub: "lifecycle", handler: getBucketLifecycle},
		{name: "PutBucketLifecycleConfiguration", method: put, level: onBucket, sub: "lifecycle", handler: putBucketLifecycle},
		{name: "DeleteBucketLifecycle", method: del, level: onBucket, sub: "lifecycle", handler: deleteSetting(object.SettingLifecycle)},
		{name: "GetBucketWebsite", method: get, level: onBucket, sub: "website", handler: getBucketWebsite},
		{name: "PutBucketWebsite", method: put, level: onBucket, sub: "website", handler: putBucketWebsite},
		{name: "DeleteBucketWebsite", method: del, level: onBucket, sub: "website", handler: deleteSetting(object.SettingWebsite)},
		{name: "GetBucketEncryption", method: get, level: onBucket, sub: "encryption", handler: getBucketEncryption},
		{name: "PutBucketEncryption", method: put, level: onBucket, sub: "encryption", handler: putBucketEncryption},
		{name: "DeleteBucketEncryption", method: del, level: onBucket, sub: "encryption", handler: deleteBucketEncryption},
		{name: "GetObjectLockConfiguration", method: get, level: onBucket, sub: "object-lock", handler: getObjectLockConfiguration},
		{name: "PutObjectLockConfiguration", method: put, level: onBucket, sub: "object-lock", handler: putObjectLockConfiguration},
		{name: "GetBucketOwnershipControls", method: get, level: onBucket, sub: "ownershipControls", handler: getOwnershipControls},
		{name: "PutBucketOwnershipControls", method: put, level: onBucket, sub: "ownershipControls", handler: putOwnershipControls},
		{name: "DeleteBucketOwnershipControls", method: del, level: onBucket, sub: "ownershipControls", handler: deleteOwnershipControls},
		{name: "GetPublicAccessBlock", method: get, level: onBucket, sub: "publicAccessBlock", handler: getPublicAccessBlock},
		{name: "PutPublicAccessBlock", method: put, level: onBucket, sub: "publicAccessBlock", handler: putPublicAccessBlock},
		{name: "DeletePublicAccessBlock", method: del, level: onBucket, sub: "publicAccessBlock", handler: deleteSetting(object.SettingPublicAccess)},
		{name: "GetBucketReplication", method: get, level: onBucket, sub: "replication", handler: getBucketReplication},
		{name: "PutBucketReplication", method: put, level: onBucket, sub: "replication", handler: putBucketReplication},
		{name: "DeleteBucketReplication", method: del, level: onBucket, sub: "replication", handler: deleteSetting(object.SettingReplication)},
		{name: "GetBucketLogging", method: get, level: onBucket, sub: "logging", handler: getBucketLogging},
		{name: "PutBucketLogging", method: put, level: onBucket, sub: "logging", handler: putBucketLogging},
		{name: "GetBucketNotificationConfiguration", method: get, level: onBucket, sub: "notification", handler: getBucketNotification},
		{name: "PutBucketNotificationConfiguration", method: put, level: onBucket, sub: "notification", handler: putBucketNotification},
		{name: "GetBucketRequestPayment", method: get, level: onBucket, sub: "requestPayment", handler: getBucketRequestPayment},
		{name: "PutBucketRequestPayment", method: put, level: onBucket, sub: "requestPayment", handler: putBucketRequestPayment},
		{name: "GetBucketAccelerateConfiguration", method: get, level: onBucket, sub: "accelerate", handler: getBucketAccelerate},
		{name: "PutBucketAccelerateConfiguration", method: put, level: onBucket, sub: "accelerate", handler: putBucketAccelerate},
		{name: "GetBucketAnalyticsConfiguration", method: get, level: onBucket, sub: "analytics", query: "id", handler: getNamed(analyticsConfig())},
		{name: "ListBucketAnalyticsConfigurations", method: get, level: onBucket, sub: "analytics", handler: listNamed(analyticsConfig())},
		{name: "PutBucketAnalyticsConfiguration", method: put, level: onBucket, sub: "analytics", handler: putNamed(analyticsConfig())},
		{name: "DeleteBucketAnalyticsConfiguration", method: del, level: onBucket, sub: "analytics", handler: deleteNamed(analyticsConfig())},
		{name: "GetBucketInventoryConfiguration", method: get, level: onBucket, sub: "inventory", query: "id", handler: getNamed(inventoryConfig())},
		{name: "ListBucketInventoryConfigurations", method: get, level: onBucket, sub: "inventory", handler: listNamed(inventoryConfig())},
		{name: "PutBucketInventoryConfiguration", method: put, level: onBucket, sub: "inventory", handler: putNamed(inventoryConfig())},
		{name: "DeleteBucketInventoryConfiguration", method: del, level: onBucket, sub: "inventory", handler: deleteNamed(inventoryConfig())},
		{name: "GetBucketMetricsConfiguration", method: get, level: onBucket, sub: "metrics", query: "id", handler: getNamed(metricsConfig())},
		{name: "ListBucketMetricsConfigurations", method: get, level: onBucket, sub: "metrics", handler: listNamed(metricsConfig())},
		{name: "PutBucketMetricsConfiguration", method: put, level: onBucket, sub: "metrics", handler: putNamed(metricsConfig())},
		{name: "DeleteBucketMetricsConfiguration", method: del, level: onBucket, sub: "metrics", handler: deleteNamed(metricsConfig())},
		{name: "GetBucketIntelligentTieringConfiguration", method: get, level: onBucket, sub: "intelligent-tiering", query: "id", handler: getNamed(tieringConfig())},
		{name: "ListBucketIntelligentTieringConfigurations", method: get, level: onBucket, sub: "intelligent-tiering", handler: listNamed(tieringConfig())},
		{name: "PutBucketIntelligentTieringConfiguration", method: put, level: onBucket, sub: "intelligent-tiering", handler: putNamed(tieringConfig())},
		{name: "DeleteBucketIntelligentTieringConfiguration", method: del, level: onBucket, sub: "intelligent-tiering", handler: deleteNamed(tieringConfig())},
		{name: "GetBucketMetadataConfiguration", method: get, level: onBucket, sub: "metadataConfiguration", handler: absent(s3err.MetadataConfigurationNotFound)},
		{name: "CreateBucketMetadataConfiguration", method: post, level: onBucket, sub: "metadataConfiguration"},
		{name: "DeleteBucketMetadataConfiguration", method: del, level: onBucket, sub: "metadataConfiguration", handler: removed},
		{name: "GetBucketMetadataTableConfiguration", method: get, level: onBucket, sub: "metadataTable", handler: absent(s3err.MetadataConfigurationNotFound)},
		{name: "CreateBucketMetadataTableConfiguration", method: post, level: onBucket, sub: "metadataTable"},
		{name: "DeleteBucketMetadataTableConfiguration", method: del, level: onBucket, sub: "metadataTable", handler: removed},
		{name: "UpdateBucketMetadataInventoryTableConfiguration", method: put, level: onBucket, sub: "metadataInventoryTable"},
		{name: "UpdateBucketMetadataAnnotationTableConfiguration", method: put, level: onBucket, sub: "metadataAnnotationTable"},
		{name: "UpdateBucketMetadataJournalTableConfiguration", method: put, level: onBucket, sub: "metadataJournalTable"},
		{name: "GetBucketAbac", method: get, level: onBucket, sub: "abac", handler: getBucketAbac},
		{name: "PutBucketAbac", method: put, level: onBucket, sub: "abac", handler: putBucketAbac},
		{name: "CreateSession", method: get, level: onBucket, sub: "session", handler: onlyElsewhere},

		// Objects.
		{name: "PutObject", method: put, level: onObject, handler: putObject},
		{name: "CopyObject", method: put, level: onObject, header: "x-amz-copy-source", handler: copyObject},
		{name: "GetObject", method: get, level: onObject, handler: getObject},
		{name: "HeadObject", method: head, level: onObject, handler: headObject},
		{name: "DeleteObject", method: del, level: onObject, handler: deleteObject},
		{name: "PreflightObject", method: http.MethodOptions, level: onObject, handler: preflight, auth: unsigned},
		{name: "GetObjectAttributes", method: get, level: onObject, sub: "attributes", handler: getObjectAttributes},
		{name: "GetObjectTagging", method: get, level: onObject, sub: "tagging", handler: getObjectTagging},
		{name: "PutObjectTagging", method: put, level: onObject, sub: "tagging", handler: putObjectTagging},
		{name: "DeleteObjectTagging", method: del, level: onObject, sub: "tagging", handler: deleteObjectTagging},
		{name: "GetObjectAcl", method: get, level: onObject, sub: "acl", handler: getObjectACL},
		{name: "PutObjectAcl", method: put, level: onObject, sub: "acl", handler: putObjectACL},
		{name: "GetObjectRetention", method: get, level: onObject, sub: "retention", handler: getObjectRetention},
		{name: "PutObjectRetention", method: put, level: onObject, sub: "retention", handler: putObjectRetention},
		{name: "GetObjectLegalHold", method: get, level: onObject, sub: "legal-hold", handler: getObjectLegalHold},
		{name: "PutObjectLegalHold", method: put, level: onObject, sub: "legal-hold", handler: putObjectLegalHold},
		{name: "GetObjectTorrent", method: get, level: onObject, sub: "torrent", handler: getObjectTorrent},
		{name: "RestoreObject", method: post, level: onObject, sub: "restore", handler: restoreObject},
		{name: "SelectObjectContent", method: post, level: onObject, sub: "select", handler: selectObjectContent},
		{name: "GetObjectAnnotation", method: get, level: onObject, sub: "annotation"},
		{name: "PutObjectAnnotation", method: put, level: onObject, sub: "annotation"},
		{name: "DeleteObjectAnnotation", method: del, level: onObject, sub: "annotation"},
		{name: "RenameObject", method: put, level: onObject, sub: "renameObject", handler: renameObject},
		{name: "UpdateObjectEncryption", method: put, level: onObject, sub: "encryption"},

		// Multipart uploads.
		{name: "CreateMultipartUpload", method: post, level: onObject, sub: "uploads", handler: createMultipartUpload},
		{name: "UploadPart", method: put, level: onObject, sub: "uploadId", handler: uploadPart},
		{name: "UploadPartCopy", method: put, level: onObject, sub: "uploadId", header: "x-amz-copy-source", handler: uploadPartCopy},
		{name: "CompleteMultipartUpload", method: post, level: onObject, sub: "uploadId", handler: completeMultipartUpload},
		{name: "AbortMultipartUpload", method: del, level: onObject, sub: "uploadId", handler: abortMultipartUpload},
		{name: "ListParts", method: get, level: onObject, sub: "uploadId", handler: listParts},
	}
}
