package clients

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// wholeTree makes the CLI test copy all of Go's source instead of a part of it.
var wholeTree = flag.Bool("clients.tree", false, "sync Go's whole source tree (15,000 files) with the AWS CLI")

// sourceTree is the tree that sync tests copy there and back.
func sourceTree(t *testing.T) string {
	src := harness.GoSource(t)
	if *wholeTree {
		return src
	}
	return filepath.Join(src, "net") // some hundred files in a deep tree, with binary test data
}

func TestAWSCLI(t *testing.T) {
	for _, tool := range []string{"aws1", "aws2"} {
		t.Run(tool, func(t *testing.T) {
			overBoth(t, func(t *testing.T, s *harness.Server) { awsCLI(t, s, harness.Tool(t, tool), tool == "aws1") })
		})
	}
}

func awsCLI(t *testing.T, s *harness.Server, path string, v1 bool) {
	// Options that Debian's version of the second CLI does not know from the environment are given as arguments.
	aws := func(args ...string) string {
		t.Helper()
		base := []string{"--endpoint-url", s.Endpoint}
		return harness.Run(t, harness.Command{Path: path, Args: append(base, args...), Env: s.AWSEnv(), Timeout: 10 * time.Minute})
	}
	b := bucketName(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "in put.bin")
	body := harness.Bytes(7, 20*mib+11) // above the CLI's multipart threshold of 8 MiB
	if err := os.WriteFile(file, body, 0o644); err != nil {
		t.Fatal(err)
	}
	readBack := func(name string) []byte {
		t.Helper()
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	aws("s3", "mb", "s3://"+b)
	aws("s3", "cp", "--no-progress", file, "s3://"+b+"/dir/in put.bin")
	aws("s3", "cp", "--no-progress", "s3://"+b+"/dir/in put.bin", filepath.Join(dir, "back"))
	wantBytes(t, "cp there and back", readBack(filepath.Join(dir, "back")), body)
	aws("s3", "cp", "--no-progress", "s3://"+b+"/dir/in put.bin", "s3://"+b+"/copied") // UploadPartCopy
	harness.Run(t, harness.Command{Path: path, Args: []string{"--endpoint-url", s.Endpoint, "s3", "cp", "-", "s3://" + b + "/stdin"}, Env: s.AWSEnv(), Stdin: "from a pipe"})
	if out := aws("s3", "cp", "s3://"+b+"/stdin", "-"); out != "from a pipe" {
		t.Errorf("cp from a pipe: %q", out)
	}

	if s.CAFile == "" { // what the transport does not change is tested once
		awsCLIDetails(t, s, aws, b, file, body, v1)
	}

	src := sourceTree(t)
	tree := filepath.Join(dir, "tree")
	aws("s3", "sync", "--no-progress", "--only-show-errors", src, "s3://"+b+"/tree/")
	aws("s3", "sync", "--no-progress", "--only-show-errors", "s3://"+b+"/tree/", tree)
	harness.SameTrees(t, src, tree)
	if out := aws("s3", "sync", "--no-progress", "s3://"+b+"/tree/", tree); out != "" {
		t.Errorf("a second sync still copies: %.500s", out)
	}
	aws("s3", "rm", "--recursive", "--only-show-errors", "s3://"+b+"/")
	aws("s3", "rb", "s3://"+b)
}

func awsCLIDetails(t *testing.T, s *harness.Server, aws func(args ...string) string, b, file string, body []byte, v1 bool) {
	t.Helper()
	aws("s3", "mv", "--no-progress", "s3://"+b+"/copied", "s3://"+b+"/moved")
	if out := aws("s3", "cp", "s3://"+b+"/moved", "-"); out != string(body) {
		t.Errorf("cp to standard output: %d bytes, want %d", len(out), len(body))
	}
	if out := aws("s3", "ls"); !strings.Contains(out, b) {
		t.Errorf("s3 ls does not show the bucket: %s", out)
	}
	if out := aws("s3", "ls", "--recursive", "--summarize", "s3://"+b+"/"); !strings.Contains(out, "Total Objects: 3") {
		t.Errorf("ls --recursive: %s", out)
	}
	link := strings.TrimSpace(aws("s3", "presign", "--expires-in", "60", "s3://"+b+"/dir/in put.bin"))
	if v1 && !strings.Contains(link, "AWSAccessKeyId=") {
		t.Logf("this CLI presigns with SigV4: %s", link)
	}
	status, out, _ := fetch(t, httpClient(t, s), http.MethodGet, link, nil, nil)
	if status != 200 {
		t.Fatalf("presigned URL of the CLI: %d %.500s", status, out)
	}
	wantBytes(t, "presigned URL", out, body)

	var head struct {
		ContentLength int
		ETag          string
		Metadata      map[string]string
	}
	aws("s3api", "put-object", "--bucket", b, "--key", "api", "--body", file, "--metadata", "a=b,c=d")
	if err := json.Unmarshal([]byte(aws("s3api", "head-object", "--bucket", b, "--key", "api", "--output", "json")), &head); err != nil {
		t.Fatal(err)
	}
	if head.ContentLength != len(body) || head.Metadata["a"] != "b" {
		t.Errorf("head-object = %+v", head)
	}
	aws("s3api", "put-object-tagging", "--bucket", b, "--key", "api", "--tagging", "TagSet=[{Key=k,Value=v}]")
	if out := aws("s3api", "get-object-tagging", "--bucket", b, "--key", "api", "--output", "text"); !strings.Contains(out, "k") {
		t.Errorf("get-object-tagging = %q", out)
	}
	part := filepath.Join(t.TempDir(), "part")
	aws("s3api", "get-object", "--bucket", b, "--key", "api", "--range", "bytes=100-199", part)
	got, err := os.ReadFile(part)
	if err != nil {
		t.Fatal(err)
	}
	wantBytes(t, "get-object --range", got, body[100:200])
	aws("s3api", "delete-objects", "--bucket", b, "--delete", "Objects=[{Key=api},{Key=moved}]")
	aws("s3api", "wait", "object-not-exists", "--bucket", b, "--key", "api")
}
