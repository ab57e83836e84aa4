package clients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestRclone uses rclone's defaults for S3: nothing is switched off for us as for lesser servers.
func TestRclone(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		path := harness.Tool(t, "rclone")
		env := append(without(s.AWSEnv(), "AWS_CA_BUNDLE"),
			"RCLONE_CONFIG_AU_TYPE=s3", "RCLONE_CONFIG_AU_PROVIDER=Other", "RCLONE_CONFIG_AU_ENDPOINT="+s.Endpoint,
			"RCLONE_CONFIG_AU_ACCESS_KEY_ID="+s.AccessKey, "RCLONE_CONFIG_AU_SECRET_ACCESS_KEY="+s.SecretKey,
			"RCLONE_CONFIG_AU_REGION="+s.Region, "RCLONE_RETRIES=1", "RCLONE_LOW_LEVEL_RETRIES=1", "RCLONE_CONFIG=/dev/null")
		if s.CAFile != "" {
			env = append(env, "RCLONE_CA_CERT="+s.CAFile)
		}
		rclone := func(args ...string) string {
			t.Helper()
			return harness.Run(t, harness.Command{Path: path, Args: args, Env: env})
		}
		dir := t.TempDir()
		src := filepath.Join(dir, "src")
		harness.CopyTree(t, src, filepath.Join(harness.GoSource(t), "text"))
		for name, n := range map[string]int{"big (multi part).bin": 23*mib + 1, "empty": 0, "ünïcode + %20 name": 100, "sp ace/in ner": 5000} {
			name = filepath.Join(src, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, harness.Bytes(uint64(n), n), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		remote := "au:" + bucketName(t)

		rclone("mkdir", remote)
		rclone("sync", "--s3-upload-cutoff", "10M", "--s3-chunk-size", "5M", src, remote+"/tree")
		rclone("check", src, remote+"/tree")
		rclone("check", "--download", src, remote+"/tree")
		if out, stderr, _ := harness.Try(t, harness.Command{Path: path, Args: []string{"sync", "-v", src, remote + "/tree"}, Env: env}); strings.Contains(out+stderr, "Copied") {
			t.Errorf("a second sync still copies: %s%s", out, stderr)
		}
		back := filepath.Join(dir, "back")
		rclone("sync", remote+"/tree", back)
		harness.SameTrees(t, src, back)

		rclone("copy", remote+"/tree", remote+"/server-side") // CopyObject
		rclone("check", src, remote+"/server-side")
		rclone("moveto", remote+"/server-side/empty", remote+"/server-side/renamed")
		if out := rclone("lsf", remote+"/server-side"); !strings.Contains(out, "renamed") || strings.Contains(out, "empty\n") {
			t.Errorf("after moveto: %s", out)
		}
		os.Remove(filepath.Join(src, "empty"))
		rclone("sync", src, remote+"/tree")
		rclone("check", src, remote+"/tree")
		if out := rclone("size", remote+"/tree"); !strings.Contains(out, "Total objects: ") {
			t.Errorf("size: %s", out)
		}
		if got := rclone("cat", remote+"/tree/ünïcode + %20 name"); got != string(harness.Bytes(100, 100)) {
			t.Error("cat gives other bytes")
		}
		rclone("purge", remote)
		if out := rclone("lsd", "au:"); strings.Contains(out, strings.TrimPrefix(remote, "au:")) {
			t.Errorf("the bucket is still there: %s", out)
		}
	})
}
