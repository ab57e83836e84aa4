package object_test

import (
	"bytes"
	"testing"

	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/core/object"
)

// TestReplicationKeepsEncryption: a replica is encrypted as its original is, with the key of the rule; only what is not encrypted
// follows the destination.
func TestReplicationKeepsEncryption(t *testing.T) {
	w, f := replicationWorld(t)
	w.versioned("keyed")
	must(t, w.PutBucketEncryption(ctx, alice, "keyed", object.BucketEncryption{Method: object.EncryptKMSTwice}))
	k, err := w.keys.CreateKey(ctx, kms.NewKey{Account: alice.AccountID, Alias: "replicas"})
	must(t, err)
	other, err := w.keys.CreateKey(ctx, kms.NewKey{Account: alice.AccountID, Alias: "originals"})
	must(t, err)
	var rules []object.ReplicationRule
	for _, to := range []string{"dst", "keyed", "away"} {
		rules = append(rules, object.ReplicationRule{Bucket: "arn:aws:s3:::" + to, KMS: true, KMSKey: "alias/replicas"})
	}
	w.replicate(rules...)
	for key, c := range map[string]struct {
		asked      object.Encryption
		dst, keyed object.EncryptionMethod
		key        string // of the replica in dst
		away       object.Encryption
	}{
		"plain":  {object.Encryption{}, object.EncryptNone, object.EncryptKMSTwice, "", object.Encryption{}},
		"sealed": {object.Encryption{Method: object.EncryptS3}, object.EncryptS3, object.EncryptS3, "", object.Encryption{}},
		"kms": {object.Encryption{Method: object.EncryptKMS, KeyID: other.ARN}, object.EncryptKMS, object.EncryptKMS, k.ARN,
			object.Encryption{Method: object.EncryptKMS, KeyID: "alias/replicas"}},
		"twice": {object.Encryption{Method: object.EncryptKMSTwice}, object.EncryptKMSTwice, object.EncryptKMSTwice, k.ARN,
			object.Encryption{Method: object.EncryptKMSTwice, KeyID: "alias/replicas"}},
	} {
		text := []byte("the text of " + key)
		_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "src", Key: key, Body: bytes.NewReader(text), Size: int64(len(text)), Encryption: c.asked})
		must(t, err)
		w.status(key, object.ReplicationCompleted)
		if got := w.wantBody("dst", key, "", text).Encryption; got.Method != c.dst || got.KeyID != c.key {
			t.Errorf("%s here: %+v", key, got)
		}
		if got := w.wantBody("keyed", key, "", text).Encryption; got.Method != c.keyed {
			t.Errorf("%s where there is a default: %+v", key, got)
		}
		if got := f.encryption(key); got != c.away {
			t.Errorf("%s away: %+v, want %+v", key, got, c.away)
		}
	}
	// A key that is not there fails the replica, which would be readable without it.
	w.replicate(object.ReplicationRule{Bucket: "arn:aws:s3:::dst", KMS: true, KMSKey: "alias/nothing"})
	_, err = w.Put(ctx, alice, &object.PutInput{Bucket: "src", Key: "lost", Body: bytes.NewReader(nil), Encryption: object.Encryption{Method: object.EncryptKMS}})
	must(t, err)
	w.status("lost", object.ReplicationFailed)
}
