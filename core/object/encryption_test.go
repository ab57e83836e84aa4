package object_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/core/object"
)

var customer = &object.CustomerKey{1, 2, 3, 31: 9}

// methods are all ways to encrypt.
var methods = map[string]object.Encryption{
	"SSE-S3":   {Method: object.EncryptS3},
	"SSE-KMS":  {Method: object.EncryptKMS},
	"DSSE-KMS": {Method: object.EncryptKMSTwice},
	"SSE-C":    {Method: object.EncryptCustomer, Customer: customer},
}

// evenBlobs cuts bodies into many blobs, the second with borders beside those of encrypted blocks.
func evenBlobs(c *object.Config) { c.BlobSize = 256 << 10 }
func oddBlobs(c *object.Config)  { c.BlobSize = 100 << 10 }

func TestEncryptedBodiesRoundTrip(t *testing.T) {
	for name, change := range map[string]func(*object.Config){"aligned": evenBlobs, "odd": oddBlobs} {
		w := newWorld(t, change)
		w.bucket("bkt")
		for method, enc := range methods {
			for _, size := range []int{0, 1, 5000, 16 << 10, 16<<10 + 1, 65504, 65505, 65520, 65521, 131041, 300_000, 2_000_000} {
				for _, known := range []bool{true, false} {
					t.Run(fmt.Sprintf("%s/%s/%d/%t", name, method, size, known), func(t *testing.T) {
						data := body(size, size)
						in := &object.PutInput{Bucket: "bkt", Key: "k", Body: bytes.NewReader(data), Size: int64(size), Encryption: enc}
						if !known {
							in.Size = -1
						}
						put, err := w.Put(ctx, alice, in)
						must(t, err)
						if put.Encryption.Method != enc.Method || put.Size != int64(size) {
							t.Errorf("put = %+v", put)
						}
						plain := put.ETag == etagOf(data)
						if plain != (enc.Method == object.EncryptS3) {
							t.Errorf("ETag is the MD5 of the body: %t", plain)
						}
						readRanges(t, w, &object.GetInput{Bucket: "bkt", Key: "k", Customer: enc.Customer}, data)
					})
				}
			}
		}
	}
}

// readRanges reads the whole and some ranges of an object.
func readRanges(t *testing.T, w *world, in *object.GetInput, data []byte) {
	t.Helper()
	size := int64(len(data))
	ranges := []object.Range{{}}
	if size > 0 {
		ranges = append(ranges, object.Range{Kind: object.RangeSuffix, Last: 1}, object.Range{Kind: object.RangeFromTo, Last: 0})
		for _, at := range []int64{65503, 65504, 65519, 65520, 131039, 131040, mrand.Int64N(size), mrand.Int64N(size)} {
			if at < size {
				ranges = append(ranges, object.Range{Kind: object.RangeFrom, First: at},
					object.Range{Kind: object.RangeFromTo, First: at, Last: at + mrand.Int64N(200_000)})
			}
		}
	}
	for i, r := range ranges {
		asked := *in
		asked.Range = r
		res, err := w.Get(ctx, alice, &asked)
		must(t, err)
		want := data[res.Offset : res.Offset+res.Length]
		var got []byte
		if i%2 == 0 {
			got, err = io.ReadAll(res.Body)
		} else {
			var b bytes.Buffer
			_, err = res.Body.WriteTo(&b)
			got = b.Bytes()
		}
		must(t, err)
		must(t, res.Body.Close())
		if !bytes.Equal(got, want) || res.Size != size {
			t.Fatalf("range %+v: %d bytes of size %d, want %d of %d", r, len(got), res.Size, len(want), size)
		}
	}
}

func TestEncryptedMultipart(t *testing.T) {
	for method, enc := range methods {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t, evenBlobs, func(c *object.Config) { c.MinPartSize = 1 })
			w.bucket("bkt")
			up, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: "k", Encryption: enc})
			must(t, err)
			if up.Encryption.Method != enc.Method {
				t.Errorf("upload = %+v", up.Encryption)
			}
			var whole []byte
			complete := &object.CompleteInput{Bucket: "bkt", Key: "k", UploadID: up.UploadID}
			for i, size := range []int{100, 65520, 65521, 2, 700_000, 0} {
				data := body(i, size)
				part, err := w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: "k", UploadID: up.UploadID, PartNumber: 3*i + 1,
					Body: bytes.NewReader(data), Size: int64(size), Customer: enc.Customer})
				must(t, err)
				whole = append(whole, data...)
				complete.Parts = append(complete.Parts, object.CompletePart{Number: 3*i + 1, ETag: part.ETag})
			}
			res, err := w.CompleteUpload(ctx, alice, complete)
			must(t, err)
			if res.Encryption.Method != enc.Method {
				t.Errorf("completed = %+v", res.Encryption)
			}
			readRanges(t, w, &object.GetInput{Bucket: "bkt", Key: "k", Customer: enc.Customer}, whole)
			part, err := w.Get(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "k", PartNumber: 7, Customer: enc.Customer})
			must(t, err)
			got, err := io.ReadAll(part.Body)
			must(t, err)
			must(t, part.Body.Close())
			if !bytes.Equal(got, body(2, 65521)) {
				t.Error("the third part reads otherwise")
			}
			// A copy is encrypted anew, or not at all.
			_, err = w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "k", SrcCustomer: enc.Customer, Bucket: "bkt", Key: "copy"})
			must(t, err)
			readRanges(t, w, &object.GetInput{Bucket: "bkt", Key: "copy"}, whole)
			if left := w.collect(1 << 62); left == 0 {
				t.Error("no blobs are left")
			}
			readRanges(t, w, &object.GetInput{Bucket: "bkt", Key: "k", Customer: enc.Customer}, whole)
		})
	}
}

// find reports whether any file of fs holds needle.
func find(t *testing.T, fs vfs.FS, dir string, needle []byte) bool {
	t.Helper()
	names, err := fs.List(dir)
	must(t, err)
	for _, n := range names {
		path := fs.PathJoin(dir, n)
		info, err := fs.Stat(path)
		must(t, err)
		if info.IsDir() {
			if find(t, fs, path, needle) {
				return true
			}
			continue
		}
		f, err := fs.Open(path)
		must(t, err)
		data, err := io.ReadAll(f)
		must(t, err)
		must(t, f.Close())
		if bytes.Contains(data, needle) {
			return true
		}
	}
	return false
}

// draws records what was drawn of the randomness that keys are made of.
type draws struct {
	io.Reader
	mu   sync.Mutex
	keys [][]byte
}

func (d *draws) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if n == len(object.CustomerKey{}) { // the size of all keys here; nonces are shorter
		d.mu.Lock()
		d.keys = append(d.keys, bytes.Clone(p))
		d.mu.Unlock()
	}
	return n, err
}

// TestStoredBytesTellNothing: neither bodies nor any key can be found in the files, whatever way an encrypted object came, after what
// it replaced was collected and after a restart either.
func TestStoredBytesTellNothing(t *testing.T) {
	random := rand.Reader
	drawn := &draws{Reader: random}
	rand.Reader = drawn
	defer func() { rand.Reader = random }()
	fs := vfs.NewMem()
	w := openWorld(t, fs)
	w.bucket("bkt")
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	w.bucket("default")
	must(t, w.PutBucketEncryption(ctx, alice, "default", object.BucketEncryption{Method: object.EncryptKMS}))
	needle := func() []byte {
		b := make([]byte, 24)
		rand.Read(b)
		return b
	}
	key := object.CustomerKey(append(needle(), 1, 2, 3, 4, 5, 6, 7, 8))
	var secrets [][]byte
	// secret is a body that must not be found.
	secret := func(size int) []byte {
		s := needle()
		secrets = append(secrets, s)
		return append(bytes.Clone(s), body(1, size)...)
	}
	put := func(bucket, name string, enc object.Encryption, data []byte) {
		t.Helper()
		_, err := w.Put(ctx, alice, &object.PutInput{Bucket: bucket, Key: name, Body: bytes.NewReader(data), Size: int64(len(data)), Encryption: enc})
		must(t, err)
	}
	parts := func(name string, enc object.Encryption, complete bool) {
		t.Helper()
		up, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: name, Encryption: enc})
		must(t, err)
		data := secret(100_000)
		part, err := w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: name, UploadID: up.UploadID, PartNumber: 1, Body: bytes.NewReader(data), Size: int64(len(data)), Customer: enc.Customer})
		must(t, err)
		if complete {
			_, err = w.CompleteUpload(ctx, alice, &object.CompleteInput{Bucket: "bkt", Key: name, UploadID: up.UploadID, Parts: []object.CompletePart{{Number: 1, ETag: part.ETag}}})
			must(t, err)
		}
	}
	made := 0
	for name, enc := range methods {
		if enc.Customer != nil {
			enc.Customer = &key
		} else {
			made += 8 // a key for each body, at least
		}
		put("bkt", name+"-small", enc, secret(100))
		put("bkt", name+"-large", enc, secret(200_000))
		put("bkt", name+"-large", enc, secret(200_000))
		put("default", name+"-replaced", enc, secret(200_000))
		put("default", name+"-replaced", enc, secret(100))
		parts(name+"-parts", enc, true)
		parts(name+"-left", enc, false)
		_, err := w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: name + "-large", SrcCustomer: enc.Customer, Bucket: "default", Key: name + "-copy"})
		must(t, err)
	}
	put("default", "silent", object.Encryption{}, secret(100))
	for _, size := range []int{100, 200_000} {
		plain := append(needle(), body(1, size)...)
		put("bkt", "plain", object.Encryption{}, plain)
		if !find(t, fs, "", plain[:24]) {
			t.Fatal("the search does not even find what is stored in the clear")
		}
	}

	search := func(when string) {
		t.Helper()
		for i, s := range secrets {
			if find(t, fs, "", s) {
				t.Errorf("%s: body %d can be read in the files", when, i)
			}
		}
		drawn.mu.Lock()
		defer drawn.mu.Unlock()
		if len(drawn.keys) < made {
			t.Errorf("%s: %d keys for %d bodies", when, len(drawn.keys), made)
		}
		for i, k := range drawn.keys {
			if find(t, fs, "", k) {
				t.Errorf("%s: key %d of the server's is in the files", when, i)
			}
		}
		for what, v := range map[string]string{"key": string(key[:]), "key in hex": hex.EncodeToString(key[:]),
			"key in base64": base64.StdEncoding.EncodeToString(key[:]), "MD5 of the key": key.MD5()} {
			if find(t, fs, "", []byte(v)) {
				t.Errorf("%s: the customer's %s is in the files", when, what)
			}
		}
	}
	search("as written")
	time.Sleep(2 * time.Millisecond)
	w.collect(0)
	search("after the collector")
	w.close()
	w = openWorld(t, fs)
	search("after a restart")
	_, err := w.keys.RotateKey(ctx, alice.AccountID, kms.ManagedKey)
	must(t, err)
	search("after a rotation")
	w.close()
}

func TestEncryptedObjectsSurviveRotationAndRestart(t *testing.T) {
	fs := vfs.NewMem()
	w := openWorld(t, fs)
	w.bucket("bkt")
	k, err := w.keys.CreateKey(ctx, kms.NewKey{Account: alice.AccountID, Alias: "mine"})
	must(t, err)
	data := body(1, 300_000)
	for i, name := range []string{kms.ManagedKey, k.ARN} {
		for round := range 3 {
			enc := object.Encryption{Method: object.EncryptS3}
			if i == 1 {
				enc = object.Encryption{Method: object.EncryptKMS, KeyID: "alias/mine"}
			}
			_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: fmt.Sprint(i, round), Body: bytes.NewReader(data), Size: int64(len(data)), Encryption: enc})
			must(t, err)
			_, err = w.keys.RotateKey(ctx, alice.AccountID, name)
			must(t, err)
		}
	}
	w.close()
	w = openWorld(t, fs)
	defer w.close()
	for i := range 2 {
		for round := range 3 {
			readRanges(t, w, &object.GetInput{Bucket: "bkt", Key: fmt.Sprint(i, round)}, data)
		}
	}
	_, err = w.keys.SetEnabled(ctx, alice.AccountID, k.ID, false)
	must(t, err)
	_, err = w.Get(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "1 0"})
	reason(t, err, kms.Disabled)
	if _, err := w.Head(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "1 0"}); err != nil {
		t.Errorf("head: %v", err)
	}
}

func TestCustomerKeysAreChecked(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	wrong := &object.CustomerKey{7}
	enc := methods["SSE-C"]
	_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "k", Body: bytes.NewReader(body(1, 10)), Size: 10, Encryption: enc})
	must(t, err)
	w.put("bkt", "plain", body(1, 10))
	up, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: "u", Encryption: enc})
	must(t, err)
	plain, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: "p"})
	must(t, err)
	part := func(key, id string, c *object.CustomerKey) error {
		_, err := w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: key, UploadID: id, PartNumber: 1,
			Body: bytes.NewReader(body(1, 10)), Size: 10, Customer: c})
		return err
	}
	get := func(key string, c *object.CustomerKey) error {
		_, err := w.Get(ctx, alice, &object.GetInput{Bucket: "bkt", Key: key, Customer: c})
		return err
	}
	head := func(key string, c *object.CustomerKey) error {
		_, err := w.Head(ctx, alice, &object.GetInput{Bucket: "bkt", Key: key, Customer: c})
		return err
	}
	attributes := func(c *object.CustomerKey) error {
		_, err := w.Attributes(ctx, alice, "bkt", "k", "", 10, 0, c)
		return err
	}
	copied := func(c *object.CustomerKey) error {
		_, err := w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "k", SrcCustomer: c, Bucket: "bkt", Key: "c"})
		return err
	}
	for what, tc := range map[string]struct {
		err  error
		want errs.Reason
	}{
		"get without":            {get("k", nil), object.InvalidRequest},
		"get wrong":              {get("k", wrong), object.AccessDenied},
		"get plain with":         {get("plain", customer), object.InvalidRequest},
		"head without":           {head("k", nil), object.InvalidRequest},
		"head wrong":             {head("k", wrong), object.AccessDenied},
		"attributes without":     {attributes(nil), object.InvalidRequest},
		"attributes wrong":       {attributes(wrong), object.AccessDenied},
		"copy without":           {copied(nil), object.InvalidRequest},
		"copy wrong":             {copied(wrong), object.AccessDenied},
		"part without":           {part("u", up.UploadID, nil), object.InvalidRequest},
		"part wrong":             {part("u", up.UploadID, wrong), object.InvalidRequest},
		"part of plain upload":   {part("p", plain.UploadID, customer), object.InvalidRequest},
		"right part":             {part("u", up.UploadID, customer), ""},
		"right attributes":       {attributes(customer), ""},
		"right head":             {head("k", customer), ""},
		"right copy, unwrapped":  {copied(customer), ""},
		"reading that copy":      {head("c", nil), ""},
		"reading with a key too": {head("c", customer), object.InvalidRequest},
	} {
		if got := errs.ReasonOf(tc.err); got != tc.want {
			t.Errorf("%s: %v, want %q", what, tc.err, tc.want)
		}
	}
}

func TestBucketEncryption(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	_, err := w.BucketEncryption(ctx, alice, "bkt")
	reason(t, err, object.NoSuchEncryption)
	on := object.BucketEncryption{Method: object.EncryptKMS, BucketKey: true, BlockCustomer: true}
	must(t, w.PutBucketEncryption(ctx, alice, "bkt", on))
	if got, err := w.BucketEncryption(ctx, alice, "bkt"); err != nil || got != on {
		t.Errorf("configuration = %+v, %v", got, err)
	}
	res := w.put("bkt", "k", body(1, 10))
	if res.Encryption.Method != object.EncryptKMS || !res.Encryption.BucketKey || res.Encryption.KeyID == "" {
		t.Errorf("put = %+v", res.Encryption)
	}
	head, err := w.Head(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "k"})
	must(t, err)
	if head.Encryption != res.Encryption {
		t.Errorf("head = %+v, put %+v", head.Encryption, res.Encryption)
	}
	_, err = w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "c", Body: bytes.NewReader(nil), Encryption: methods["SSE-C"]})
	reason(t, err, object.AccessDenied)
	// Whether there is a bucket key is the bucket's to say, too, when a writer only names the method.
	off := false
	for _, c := range []struct {
		asked *bool
		want  bool
	}{{nil, true}, {&off, false}} {
		res, err = w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "named", Body: bytes.NewReader(nil),
			Encryption: object.Encryption{Method: object.EncryptKMS, BucketKey: c.asked}})
		if err != nil || res.Encryption.BucketKey != c.want {
			t.Errorf("named by the writer: %+v, %v", res, err)
		}
	}
	// Versioning is kept in the same row.
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	if got, err := w.BucketEncryption(ctx, alice, "bkt"); err != nil || got != on {
		t.Errorf("after versioning: %+v, %v", got, err)
	}
	must(t, w.PutBucketEncryption(ctx, alice, "bkt", object.BucketEncryption{}))
	if v, err := w.BucketVersioning(ctx, alice, "bkt"); err != nil || v != object.VersioningEnabled {
		t.Errorf("versioning = %v, %v", v, err)
	}
	res = w.put("bkt", "k", body(1, 10))
	if res.Encryption != (object.EncryptionInfo{}) {
		t.Errorf("put without default = %+v", res.Encryption)
	}
	w.rules.set("s3:PutEncryptionConfiguration", "s3:GetEncryptionConfiguration", "kms:GenerateDataKey")
	reason(t, w.PutBucketEncryption(ctx, alice, "bkt", on), object.AccessDenied)
	_, err = w.BucketEncryption(ctx, alice, "bkt")
	reason(t, err, object.AccessDenied)
	k, err := w.keys.CreateKey(ctx, kms.NewKey{Account: alice.AccountID})
	must(t, err)
	_, err = w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "c", Body: bytes.NewReader(nil),
		Encryption: object.Encryption{Method: object.EncryptKMS, KeyID: k.ID}})
	reason(t, err, object.AccessDenied)
}

// TestEncryptionTurnedOnDuringWrite: a body that was taken in before the bucket's default changed is not stored against it.
func TestEncryptionTurnedOnDuringWrite(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	data := body(1, 100)
	turn := readerFunc(func(p []byte) (int, error) {
		must(t, w.PutBucketEncryption(ctx, alice, "bkt", object.BucketEncryption{Method: object.EncryptS3}))
		return 0, io.EOF
	})
	_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "k", Body: io.MultiReader(bytes.NewReader(data), turn), Size: 100})
	reason(t, err, object.OperationAborted)
	_, err = w.Head(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "k"})
	reason(t, err, object.NoSuchKey)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func reason(t *testing.T, err error, want errs.Reason) {
	t.Helper()
	if errs.ReasonOf(err) != want || err == nil {
		t.Errorf("err = %v, want %s", err, want)
	}
}
