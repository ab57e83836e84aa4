package clients

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// rcloneOf returns how to run an rclone on the remote "au:" of a provider. Nothing is switched off for us as for lesser servers.
func rcloneOf(t *testing.T, s *harness.Server, tool, provider string) (try func(args ...string) (stdout, stderr string, err error), run func(args ...string) string) {
	path := harness.Tool(t, tool)
	env := append(without(s.AWSEnv(), "AWS_CA_BUNDLE"),
		"RCLONE_CONFIG_AU_TYPE=s3", "RCLONE_CONFIG_AU_PROVIDER="+provider, "RCLONE_CONFIG_AU_ENDPOINT="+s.Endpoint,
		"RCLONE_CONFIG_AU_ACCESS_KEY_ID="+s.AccessKey, "RCLONE_CONFIG_AU_SECRET_ACCESS_KEY="+s.SecretKey,
		"RCLONE_CONFIG_AU_REGION="+s.Region, "RCLONE_RETRIES=1", "RCLONE_LOW_LEVEL_RETRIES=1", "RCLONE_CONFIG=/dev/null")
	if s.CAFile != "" {
		env = append(env, "RCLONE_CA_CERT="+s.CAFile)
	}
	try = func(args ...string) (string, string, error) {
		return harness.Try(t, harness.Command{Path: path, Args: args, Env: env})
	}
	return try, func(args ...string) string {
		t.Helper()
		return harness.Run(t, harness.Command{Path: path, Args: args, Env: env})
	}
}

// TestRclone keeps trees with the rclone of Debian, of 2022, and with the current one.
func TestRclone(t *testing.T) {
	for _, r := range []struct{ tool, provider string }{{"rclone", "Other"}, {"rclone-s3", "Other"}} {
		t.Run(r.tool, func(t *testing.T) { rcloneTrees(t, r.tool, r.provider) })
	}
}

func rcloneTrees(t *testing.T, tool, provider string) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		try, rclone := rcloneOf(t, s, tool, provider)
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
		if out, stderr, _ := try("sync", "-v", src, remote+"/tree"); strings.Contains(out+stderr, "Copied") {
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

// TestRcloneInfo lets rclone find out what names and uploads the server takes. Here and below it takes us for Amazon, with which it is
// strictest; for that it wants TLS.
func TestRcloneInfo(t *testing.T) {
	s := harness.ForClients(t, true)
	_, rclone := rcloneOf(t, s, "rclone-s3", "AWS")
	remote := "au:" + bucketName(t)
	rclone("mkdir", remote)
	report := filepath.Join(t.TempDir(), "info.json")
	rclone("test", "info", "--all", "--checkers", "8", "--write-json", report, remote+"/info")
	var found struct {
		CanWriteUnnormalized, CanReadUnnormalized, CanReadRenormalized, CanStream bool
		MaxFileLength                                                             int
		ControlCharacters                                                         map[string]struct{ WriteError, GetError, InList map[string]string }
	}
	if err := json.Unmarshal(must[[]byte](t)(os.ReadFile(report)), &found); err != nil {
		t.Fatal(err)
	}
	// 31 bytes of a key are the folder that rclone works in.
	if !found.CanWriteUnnormalized || !found.CanReadUnnormalized || found.CanReadRenormalized || !found.CanStream || found.MaxFileLength != 1024-31 || len(found.ControlCharacters) < 128 {
		t.Errorf("rclone found %+v", found)
	}
	for char, c := range found.ControlCharacters {
		listed := "present"
		if char[0] < ' ' || char[0] == 0x7f {
			listed = "renamed" // by rclone itself, which shows them as symbols
		}
		for _, at := range []string{"left", "middle", "right"} {
			if c.WriteError[at] != "" || c.GetError[at] != "" || c.InList[at] != listed {
				t.Errorf("%q at the %s: written %q, read %q, %s in the list", char, at, c.WriteError[at], c.GetError[at], c.InList[at])
			}
		}
	}
}

// TestRcloneVersions goes back in time by the bucket's versions.
func TestRcloneVersions(t *testing.T) {
	s := harness.ForClients(t, true)
	try, rclone := rcloneOf(t, s, "rclone-s3", "AWS")
	remote, dir := "au:"+bucketName(t), t.TempDir()
	src := filepath.Join(dir, "src")
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(src, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(src, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rclone("mkdir", remote)
	if out := rclone("backend", "versioning", remote, "Enabled"); !strings.Contains(out, "Enabled") {
		t.Errorf("versioning is %s", out)
	}
	write("kept.txt", "kept")
	write("dir/changed.txt", "old")
	write("gone.txt", "gone")
	rclone("sync", src, remote+"/tree")
	old := filepath.Join(dir, "old")
	harness.CopyTree(t, old, src)
	time.Sleep(1100 * time.Millisecond) // versions are told apart by whole seconds of rclone's flag
	then := time.Now().UTC().Format(time.RFC3339)
	time.Sleep(1100 * time.Millisecond)
	write("dir/changed.txt", "new and longer")
	if err := os.Remove(filepath.Join(src, "gone.txt")); err != nil {
		t.Fatal(err)
	}
	rclone("sync", src, remote+"/tree")
	rclone("check", "--download", src, remote+"/tree")
	back := filepath.Join(dir, "back")
	rclone("sync", "--s3-version-at", then, remote+"/tree", back)
	harness.SameTrees(t, old, back)
	list := strings.Fields(rclone("lsf", "-R", "--files-only", "--s3-versions", remote+"/tree"))
	for _, want := range []string{`^kept\.txt$`, `^dir/changed\.txt$`, `^dir/changed-v\d{4}-\d\d-\d\d-\d{6}-\d{3}\.txt$`, `^gone-v.*\.txt$`} {
		if !slices.ContainsFunc(list, regexp.MustCompile(want).MatchString) {
			t.Errorf("%v has nothing like %s", list, want)
		}
	}
	for _, name := range list {
		if strings.Contains(name, "changed-v") {
			if got := rclone("cat", "--s3-versions", remote+"/tree/"+name); got != "old" {
				t.Errorf("%s is %q", name, got)
			}
		}
	}

	// What a sync replaces or removes goes to another folder of the bucket.
	write("kept.txt", "changed after all")
	rclone("sync", "--backup-dir", remote+"/backup", src, remote+"/tree")
	if got := rclone("cat", remote+"/backup/kept.txt"); got != "kept" {
		t.Errorf("the backup is %q", got)
	}
	// Copies and moves between folders, and from one bucket to another, carry no byte through the client.
	other := remote + "-other"
	rclone("mkdir", other)
	big := harness.Bytes(9, 13*mib)
	if err := os.WriteFile(filepath.Join(src, "big.bin"), big, 0o644); err != nil {
		t.Fatal(err)
	}
	rclone("copy", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", "--checksum", src, remote+"/tree")
	rclone("check", "--checksum", src, remote+"/tree")
	_, said, err := try("copy", "-vv", "--s3-copy-cutoff", "6M", remote+"/tree", other+"/copy")
	if err != nil || !strings.Contains(said, "Copied (server-side copy)") || strings.Contains(said, "Copied (new)") {
		t.Errorf("%v: %s", err, said)
	}
	rclone("check", "--download", src, other+"/copy")
	_, said, err = try("move", "-vv", other+"/copy", other+"/moved")
	if err != nil || !strings.Contains(said, "server-side") {
		t.Errorf("%v: %s", err, said)
	}
	rclone("check", src, other+"/moved")
	if out := rclone("lsf", other+"/copy"); out != "" {
		t.Errorf("after the move: %s", out)
	}
	if out := rclone("hashsum", "MD5", other+"/moved"); !strings.Contains(out, hexMD5(big)+"  big.bin") {
		t.Errorf("sums: %s", out)
	}
	link := strings.TrimSpace(rclone("link", "--expire", "1h", other+"/moved/kept.txt"))
	if status, body, _ := fetch(t, httpClient(t, s), "GET", link, nil, nil); status != 200 || string(body) != "changed after all" {
		t.Errorf("the link gives %d %.200s", status, body)
	}
	rclone("backend", "cleanup-hidden", remote+"/tree")
	if out := rclone("lsf", "-R", "--s3-versions", remote+"/tree"); strings.Contains(out, "-v2") {
		t.Errorf("versions after the clean-up: %s", out)
	}
	rclone("check", src, remote+"/tree")
}
