package object

import (
	"fmt"
	"time"

	"github.com/aureole-cloud/aureole/storage/keys"
)

// Families of rows in an index shard. Each is one contiguous span of the shard; within it rows are ordered by bucket,
// then by key, so that all rows of one (bucket, key) lie in one shard and a listing is one scan. DESIGN.md lists them.
const (
	famBody     = 'B' // (bucket, key, instance[, chunk]) -> inlined body, or a chunk of the manifest
	famCounter  = 'C' // (bucket, counter) -> counter
	famDone     = 'D' // (bucket, key, upload) -> the instance that completing it made
	famEpoch    = 'E' // (bucket, key, upload) -> changes with every part put
	famGarbage  = 'G' // (due, instance) -> blobs to remove
	famOutbox   = 'N' // (bucket, queue, instance) -> outboxRecord
	famObject   = 'O' // (bucket, key) -> record of the current version
	famPart     = 'P' // (bucket, key, upload, number) -> part
	famMoved    = 'M' // (bucket, key, upload or instance) -> key that the object was renamed to
	famUpload   = 'U' // (bucket, key, upload) -> upload
	famVersion  = 'V' // (bucket, key, instance descending) -> record of a noncurrent version
	famPresence = 'X' // (bucket) -> presence: what every write is conditioned on
)

// Counters of a bucket.
const (
	cntVersions    = 'v' // versions and delete markers
	cntMarkers     = 'm' // delete markers
	cntBytes       = 'b' // of all versions
	cntUploads     = 'u' // uploads under way
	cntUploadBytes = 'p' // of their parts
)

// Rows of the control shard. The shard is shared with other domains, hence the common prefix.
const (
	ctlName    = "s3.n" // name -> bucketRecord
	ctlAccount = "s3.a" // (account, name) -> bucketRecord, for ListBuckets
	ctlAccess  = "s3.b" // account -> PublicAccessBlock, as JSON, of all its buckets
	ctlCount   = "s3.c" // account -> counter of its buckets
	ctlIntent  = "s3.i" // name -> intent: a creation or deletion under way
	ctlQuota   = "s3.q" // account -> quotaRecord
	ctlShards  = "s3.m" // -> shardMap
	ctlSetting = "s3.s" // (name, Setting) -> bucket id, document
	ctlNamed   = "s3.o" // (name, NamedKind, id) -> bucket id, document
	ctlLife    = "s3.l" // name -> lifecycleRecord: the bucket has lifecycle rules, and how far they were carried out
)

func nameKey(name string) []byte { return append([]byte(ctlName), name...) }

func accountKey(account, name string) []byte {
	k := keys.AppendString([]byte(ctlAccount), account)
	return append(k, name...)
}

func accountPrefix(account string) []byte { return keys.AppendString([]byte(ctlAccount), account) }

func accountCountKey(account string) []byte { return append([]byte(ctlCount), account...) }

func intentKey(name string) []byte { return append([]byte(ctlIntent), name...) }

func settingPrefix(name string) []byte { return keys.AppendString([]byte(ctlSetting), name) }

func settingKey(name string, k Setting) []byte { return append(settingPrefix(name), byte(k)) }

func lifecycleKey(name string) []byte { return append([]byte(ctlLife), name...) }

func bucketPrefix(fam byte, b BucketID) []byte {
	return keys.AppendUint64(keys.AppendByte(make([]byte, 0, 64), fam), uint64(b))
}

func presenceKey(b BucketID) []byte { return bucketPrefix(famPresence, b) }

func counterKey(b BucketID, counter byte) []byte {
	return keys.AppendByte(bucketPrefix(famCounter, b), counter)
}

// objectKey ends with the raw key: nothing follows it, so it needs no end mark, and listing order is byte order.
func objectKey(b BucketID, key string) []byte {
	k := make([]byte, 0, 9+len(key))
	k = keys.AppendUint64(keys.AppendByte(k, famObject), uint64(b))
	return append(k, key...)
}

func keyPrefix(fam byte, b BucketID, key string, room int) []byte {
	k := make([]byte, 0, 9+len(key)+2+room)
	k = keys.AppendUint64(keys.AppendByte(k, fam), uint64(b))
	return keys.AppendString(k, key)
}

func instanceKey(fam byte, b BucketID, key string, id instance) []byte {
	return keys.AppendBytesFixed(keyPrefix(fam, b, key, len(id)+4), id[:])
}

func bodyKey(b BucketID, key string, id instance) []byte { return instanceKey(famBody, b, key, id) }

func chunkKey(b BucketID, key string, id instance, chunk uint32) []byte {
	return keys.AppendUint32(bodyKey(b, key, id), chunk)
}

func movedKey(b BucketID, key string, id instance) []byte { return instanceKey(famMoved, b, key, id) }

func versionKey(b BucketID, key string, id instance) []byte {
	return instanceKey(famVersion, b, key, id.descending())
}

func uploadKey(b BucketID, key string, id instance) []byte {
	return instanceKey(famUpload, b, key, id)
}

func epochKey(b BucketID, key string, id instance) []byte { return instanceKey(famEpoch, b, key, id) }

func doneKey(b BucketID, key string, id instance) []byte { return instanceKey(famDone, b, key, id) }

func partKey(b BucketID, key string, id instance, number int) []byte {
	return keys.AppendUint16(instanceKey(famPart, b, key, id), uint16(number))
}

func garbageKey(due time.Time, id instance) []byte {
	k := make([]byte, 0, 1+8+len(id))
	k = keys.AppendUint64(keys.AppendByte(k, famGarbage), uint64(max(due.UnixMilli(), 0)))
	return append(k, id[:]...)
}

// decodeKeyed reads a row key of the shape (family, bucket, key, 16 bytes, rest).
func decodeKeyed(row []byte) (b BucketID, key string, id instance, rest []byte, err error) {
	d := keys.Decode(row)
	fam := d.Byte()
	b = BucketID(d.Uint64())
	key = d.String()
	copy(id[:], d.BytesFixed(len(id)))
	rest = d.Rest()
	if err := d.Err(); err != nil {
		return 0, "", id, nil, fmt.Errorf("object: row of family %q: %w", fam, err)
	}
	return b, key, id, rest, nil
}
