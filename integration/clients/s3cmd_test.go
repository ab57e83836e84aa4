package clients

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestS3cmd runs s3cmd with SigV4 and with the SigV2 of old configurations.
func TestS3cmd(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		for _, v2 := range []bool{false, true} {
			name := "sigv4"
			if v2 {
				name = "sigv2"
			}
			t.Run(name, func(t *testing.T) { s3cmd(t, s, v2) })
		}
	})
}

func s3cmd(t *testing.T, s *harness.Server, v2 bool) {
	path := harness.Tool(t, "s3cmd")
	dir := t.TempDir()
	config := filepath.Join(dir, "s3cfg")
	lines := []string{"[default]", "access_key = " + s.AccessKey, "secret_key = " + s.SecretKey, "host_base = " + s.Host, "host_bucket = " + s.Host,
		"bucket_location = us-east-1", "multipart_chunk_size_mb = 5", "progress_meter = False"}
	if s.CAFile != "" {
		lines = append(lines, "use_https = True", "signurl_use_https = True", "ca_certs_file = "+s.CAFile, "check_ssl_hostname = False")
	} else {
		lines = append(lines, "use_https = False")
	}
	if v2 {
		lines = append(lines, "signature_v2 = True")
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		return harness.Run(t, harness.Command{Path: path, Args: append([]string{"-c", config}, args...), Env: s.AWSEnv()})
	}
	b := "s3://" + bucketName(t)
	body := harness.Bytes(4, 12*mib+5)
	file := filepath.Join(dir, "in put+ü.bin")
	if err := os.WriteFile(file, body, 0o644); err != nil {
		t.Fatal(err)
	}

	run("mb", b)
	run("put", file, b+"/multi part+ü") // above the chunk size: multipart
	run("get", b+"/multi part+ü", filepath.Join(dir, "back"))
	got, err := os.ReadFile(filepath.Join(dir, "back"))
	if err != nil {
		t.Fatal(err)
	}
	wantBytes(t, "put and get", got, body)
	small := filepath.Join(dir, "small")
	if err := os.WriteFile(small, []byte("small"), 0o644); err != nil {
		t.Fatal(err)
	}
	run("put", "--add-header=x-amz-meta-color:blue", "-m", "text/x-odd", small, b+"/small")
	if out := run("info", b+"/small"); !strings.Contains(out, "text/x-odd") || !strings.Contains(out, "blue") {
		t.Errorf("info: %s", out)
	}
	run("cp", b+"/small", b+"/copy")
	run("mv", b+"/copy", b+"/moved")
	if out := run("ls", b); !strings.Contains(out, "/moved") || strings.Contains(out, "/copy") {
		t.Errorf("ls: %s", out)
	}
	run("modify", "--add-header=Cache-Control:max-age=5", b+"/moved")

	src := filepath.Join(harness.GoSource(t), "archive")
	run("sync", "--no-preserve", src+"/", b+"/tree/")
	back := filepath.Join(dir, "tree")
	if err := os.Mkdir(back, 0o755); err != nil {
		t.Fatal(err)
	}
	run("sync", b+"/tree/", back+"/")
	harness.SameTrees(t, src, back)
	run("du", b)

	link := strings.TrimSpace(run("signurl", b+"/small", "+60"))
	status, out, _ := fetch(t, httpClient(t, s), http.MethodGet, link, nil, nil)
	if status != 200 || string(out) != "small" {
		t.Errorf("signurl: %d %.300s", status, out)
	}
	run("del", "--recursive", "--force", b+"/")
	run("rb", b)
}
