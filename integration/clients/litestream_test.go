package clients

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestLitestreamLease lets litestream's own leaser acquire, renew, release, expire and contend. See lease/main.go.
func TestLitestreamLease(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		b := newBucket(t, goClient(t, s))
		out := harness.Run(t, harness.Command{Path: harness.Tool(t, "litestream-lease"), Args: []string{b, "app"}, Env: s.AWSEnv()})
		if strings.TrimSpace(out) != "ok" {
			t.Errorf("it said %q", out)
		}
	})
}

// TestLitestream replicates a database while it is written to and restores it.
func TestLitestream(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		path, sqlite := harness.Tool(t, "litestream"), harness.Tool(t, "sqlite3")
		c := goClient(t, s)
		b := newBucket(t, c)
		dir := t.TempDir()
		db := filepath.Join(dir, "app.db")
		config := filepath.Join(dir, "litestream.yml")
		if err := os.WriteFile(config, fmt.Appendf(nil, `
dbs:
  - path: %s
    replica:
      type: s3
      bucket: %s
      path: app
      endpoint: %s
      region: %s
      access-key-id: %s
      secret-access-key: "%s"
      force-path-style: true
      sync-interval: 100ms
`, db, b, s.Endpoint, s.Region, s.AccessKey, s.SecretKey), 0o600); err != nil {
			t.Fatal(err)
		}
		sql := func(file, statement string) string {
			t.Helper()
			return strings.TrimSpace(harness.Run(t, harness.Command{Path: sqlite, Args: []string{"-cmd", ".timeout 5000", file, statement}}))
		}
		sql(db, "PRAGMA journal_mode=wal; CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB);")

		log, err := os.Create(filepath.Join(dir, "litestream.log"))
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		cmd := exec.Command(path, "replicate", "-config", config)
		cmd.Env = append(without(s.AWSEnv(), "AWS_CA_BUNDLE"), "PATH="+os.Getenv("PATH"), "HOME="+dir)
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stopped := false
		stop := func() {
			if stopped {
				return
			}
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGINT)
			_ = cmd.Wait()
		}
		t.Cleanup(func() {
			stop()
			if t.Failed() {
				said, _ := os.ReadFile(log.Name())
				t.Logf("litestream said: %.4000s", said)
			}
		})
		for i := range 20 {
			sql(db, fmt.Sprintf("INSERT INTO t (v) SELECT randomblob(2000) FROM generate_series(1,%d);", i+1))
			time.Sleep(30 * time.Millisecond)
		}
		want := sql(db, "SELECT count(*), sum(length(v)), hex(v) FROM t WHERE id = 77;") + sql(db, "SELECT count(*) FROM t;")
		time.Sleep(time.Second) // a few sync intervals
		stop()
		if got := keys(t, c, b, "app/"); len(got) == 0 {
			t.Fatal("nothing was replicated")
		}

		restored := filepath.Join(dir, "restored.db")
		harness.Run(t, harness.Command{Path: path, Args: []string{"restore", "-config", config, "-o", restored, db}, Env: without(s.AWSEnv(), "AWS_CA_BUNDLE")})
		if got := sql(restored, "PRAGMA integrity_check;"); got != "ok" {
			t.Errorf("integrity_check: %s", got)
		}
		got := sql(restored, "SELECT count(*), sum(length(v)), hex(v) FROM t WHERE id = 77;") + sql(restored, "SELECT count(*) FROM t;")
		if got != want {
			t.Errorf("restored database differs: %.100s, want %.100s", got, want)
		}
	})
}
