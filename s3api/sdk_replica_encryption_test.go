package s3api_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/remote"
)

// TestSDKReplicaEncryption: replicas of what the key service encrypts are encrypted here and elsewhere by the key that the rule names.
func TestSDKReplicaEncryption(t *testing.T) {
	here, there := start(t), start(t)
	c, away := here.client(), there.client()
	ctx := context.Background()
	src := here.versioned("src")
	here.versioned("dst")
	there.versioned("copies")
	must(t, here.targets.Put(ctx, remote.Target{Name: "far", Kind: remote.S3, URL: "http://" + there.addr, Bucket: "copies", AccessKey: testKeyID, Secret: iam.NewSecret(testSecret)}))
	selected := &types.SourceSelectionCriteria{SseKmsEncryptedObjects: &types.SseKmsEncryptedObjects{Status: types.SseKmsEncryptedObjectsStatusEnabled}}
	key := &types.EncryptionConfiguration{ReplicaKmsKeyID: aws.String("alias/aws/s3")}
	put := func(criteria *types.SourceSelectionCriteria, encryption *types.EncryptionConfiguration) error {
		conf := &types.ReplicationConfiguration{Role: aws.String("arn:aws:iam::123456789012:role/replication")}
		for i, to := range []string{"dst", "far"} {
			conf.Rules = append(conf.Rules, types.ReplicationRule{ID: &to, Status: types.ReplicationRuleStatusEnabled, Priority: aws.Int32(int32(i)), Filter: &types.ReplicationRuleFilter{},
				DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: types.DeleteMarkerReplicationStatusDisabled}, SourceSelectionCriteria: criteria,
				Destination: &types.Destination{Bucket: aws.String("arn:aws:s3:::" + to), EncryptionConfiguration: encryption}})
		}
		_, err := c.PutBucketReplication(ctx, &s3.PutBucketReplicationInput{Bucket: src, ReplicationConfiguration: conf})
		return err
	}
	if err := put(selected, nil); errorCode(err) != "InvalidRequest" || !strings.Contains(err.Error(), "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.") {
		t.Error(err)
	}
	if err := put(nil, key); errorCode(err) != "InvalidRequest" || !strings.Contains(err.Error(), "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.") {
		t.Error(err)
	}
	must(t, put(selected, key))
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: src, Key: aws.String("k"), Body: strings.NewReader("secret"), ServerSideEncryption: types.ServerSideEncryptionAwsKms})
	must(t, err)
	eventually(t, "the version is not replicated", func() bool {
		h, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: src, Key: aws.String("k")})
		must(t, err)
		return h.ReplicationStatus == types.ReplicationStatusCompleted
	})
	for bucket, client := range map[string]*s3.Client{"dst": c, "copies": away} {
		got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("k")})
		must(t, err)
		if text, err := io.ReadAll(got.Body); err != nil || string(text) != "secret" || got.ServerSideEncryption != types.ServerSideEncryptionAwsKms {
			t.Errorf("%s: %s %v %v", bucket, text, err, got.ServerSideEncryption)
		}
	}
}
