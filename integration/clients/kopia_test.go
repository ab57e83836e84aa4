package clients

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestKopiaLocks keeps backups that nobody can delete before their time: kopia writes every blob under a retention, its
// maintenance extends it, and what an intruder with all keys deletes and overwrites comes back from the versions.
func TestKopiaLocks(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		path := harness.Tool(t, "kopia")
		c, ctx := goClient(t, s), t.Context()
		b := bucketName(t)
		must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b, ObjectLockEnabledForBucket: aws.Bool(true)}))
		dir := t.TempDir()
		env := []string{"KOPIA_PASSWORD=correct horse", "KOPIA_CONFIG_PATH=" + filepath.Join(dir, "config"), "KOPIA_CACHE_DIRECTORY=" + filepath.Join(dir, "cache"),
			"KOPIA_LOG_DIR=" + filepath.Join(dir, "logs"), "KOPIA_CHECK_FOR_UPDATES=false"}
		kopia := func(args ...string) string {
			t.Helper()
			return harness.Run(t, harness.Command{Path: path, Args: append(args, "--no-progress"), Env: env})
		}
		bucket := []string{"--bucket=" + b, "--prefix=repo/", "--endpoint=" + s.Host, "--region=" + s.Region, "--access-key=" + s.AccessKey, "--secret-access-key=" + s.SecretKey}
		if s.CAFile == "" {
			bucket = append(bucket, "--disable-tls")
		} else {
			bucket = append(bucket, "--root-ca-pem-path="+s.CAFile)
		}
		src := filepath.Join(dir, "src")
		harness.CopyTree(t, src, filepath.Join(harness.GoSource(t), "text"))
		if err := os.WriteFile(filepath.Join(src, "big.bin"), harness.Bytes(1, 25*mib), 0o644); err != nil {
			t.Fatal(err)
		}

		kopia(append([]string{"repository", "create", "s3", "--retention-mode=COMPLIANCE", "--retention-period=72h"}, bucket...)...)
		kopia("snapshot", "create", src)
		kopia("snapshot", "verify", "--verify-files-percent=100")
		kopia("maintenance", "set", "--extend-object-locks=true")
		before := locks(t, c, b)
		for key, l := range before {
			data := strings.HasPrefix(key, "repo/p") || strings.HasPrefix(key, "repo/q") || strings.HasPrefix(key, "repo/xn") || key == "repo/kopia.repository"
			if data && l.until.Before(time.Now().Add(71*time.Hour)) {
				t.Errorf("%s is locked until %v", key, l.until)
			}
		}

		time.Sleep(1100 * time.Millisecond) // dates of locks are whole seconds
		if err := os.WriteFile(filepath.Join(src, "second"), harness.Bytes(2, 3*mib), 0o644); err != nil {
			t.Fatal(err)
		}
		kopia("snapshot", "create", src)
		kopia("maintenance", "run", "--full")
		after, extended := locks(t, c, b), 0
		for key, l := range before {
			if strings.HasPrefix(key, "repo/p") && after[key].until.After(l.until) {
				extended++
			}
		}
		if extended == 0 {
			t.Errorf("maintenance extended nothing: %v, then %v", before, after)
		}
		harness.SameTrees(t, src, restored(t, kopia, filepath.Join(dir, "out")))

		// The intruder: no version that is locked can be had, with whatever is tried; markers and overwrites hide it only.
		time.Sleep(1100 * time.Millisecond)
		safe := time.Now().UTC()
		time.Sleep(1100 * time.Millisecond)
		for key, l := range after {
			if l.until.IsZero() {
				continue
			}
			_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &key, VersionId: &l.version, BypassGovernanceRetention: aws.Bool(true)})
			wantCode(t, err, "AccessDenied", 403)
			_, err = c.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &b, Key: &key, VersionId: &l.version, BypassGovernanceRetention: aws.Bool(true),
				Retention: &types.ObjectLockRetention{Mode: "GOVERNANCE", RetainUntilDate: aws.Time(time.Now().Add(time.Minute))}})
			wantCode(t, err, "AccessDenied", 403)
			if strings.HasPrefix(key, "repo/p") {
				put(t, c, b, key, []byte("encrypted; pay here"))
			} else {
				must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &key}))
			}
		}
		if _, _, err := harness.Try(t, harness.Command{Path: path, Args: append([]string{"repository", "connect", "s3"}, bucket...), Env: env}); err == nil {
			t.Fatal("the intruder left the repository as it was")
		}
		env = append(env, "KOPIA_CONFIG_PATH="+filepath.Join(dir, "config2"), "KOPIA_CACHE_DIRECTORY="+filepath.Join(dir, "cache2"))
		kopia(append([]string{"repository", "connect", "s3", "--point-in-time=" + safe.Format(time.RFC3339)}, bucket...)...)
		harness.SameTrees(t, src, restored(t, kopia, filepath.Join(dir, "out2")))
	})
}

// restored restores the last snapshot.
func restored(t *testing.T, kopia func(...string) string, out string) string {
	t.Helper()
	var all []struct{ ID, StartTime string }
	if err := json.Unmarshal([]byte(kopia("snapshot", "list", "--json")), &all); err != nil || len(all) != 2 {
		t.Fatalf("snapshots %+v, %v", all, err)
	}
	slices.SortFunc(all, func(a, b struct{ ID, StartTime string }) int { return strings.Compare(a.StartTime, b.StartTime) })
	kopia("snapshot", "restore", all[1].ID, out)
	return out
}

type lock struct {
	version string
	until   time.Time
}

// locks shows how long the current version of each object is kept; every lock must be the one that was asked for.
func locks(t *testing.T, c *s3.Client, b string) map[string]lock {
	t.Helper()
	found := map[string]lock{}
	for _, key := range keys(t, c, b, "") {
		head := must[*s3.HeadObjectOutput](t)(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b, Key: &key}))
		if head.ObjectLockMode != "" && head.ObjectLockMode != types.ObjectLockModeCompliance {
			t.Errorf("%s: %s", key, head.ObjectLockMode)
		}
		found[key] = lock{*head.VersionId, aws.ToTime(head.ObjectLockRetainUntilDate)}
	}
	return found
}
