package clients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
)

func TestRestic(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		path := harness.Tool(t, "restic")
		env := append(s.AWSEnv(), "RESTIC_PASSWORD=correct horse", "RESTIC_REPOSITORY=s3:"+s.Endpoint+"/"+bucketName(t)+"/repo")
		restic := func(args ...string) string {
			t.Helper()
			base := []string{"--no-cache"}
			if s.CAFile != "" {
				base = append(base, "--cacert", s.CAFile)
			}
			return harness.Run(t, harness.Command{Path: path, Args: append(base, args...), Env: env})
		}
		dir := t.TempDir()
		src := filepath.Join(dir, "src")
		harness.CopyTree(t, src, filepath.Join(harness.GoSource(t), "encoding"))
		if err := os.WriteFile(filepath.Join(src, "big.bin"), harness.Bytes(1, 30*mib), 0o644); err != nil {
			t.Fatal(err)
		}

		restic("init")
		restic("backup", src)
		if err := os.WriteFile(filepath.Join(src, "second"), harness.Bytes(2, 3*mib), 0o644); err != nil {
			t.Fatal(err)
		}
		restic("backup", src)
		if out := restic("check", "--read-data"); !strings.Contains(out, "no errors were found") {
			t.Errorf("check: %s", out)
		}
		restic("restore", "latest", "--target", filepath.Join(dir, "out"))
		harness.SameTrees(t, src, filepath.Join(dir, "out", src))
		restic("forget", "--keep-last", "1", "--prune")
		if out := restic("check", "--read-data"); !strings.Contains(out, "no errors were found") {
			t.Errorf("check after prune: %s", out)
		}
		if out := restic("snapshots", "--compact"); !strings.Contains(out, "1 snapshots") {
			t.Errorf("snapshots: %s", out)
		}
	})
}
