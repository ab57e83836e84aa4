package harness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Tool returns the path of a client program: one that setup.sh put into the cache, or one of the system. A missing
// tool fails the test: a suite that skips itself proves nothing.
func Tool(t testing.TB, name string) string {
	t.Helper()
	cache, err := Cache()
	if err != nil {
		t.Fatal(err)
	}
	candidates := []string{
		filepath.Join(cache, "bin", name),
		filepath.Join(cache, "js", "node_modules", ".bin", name),
		filepath.Join("/usr/bin", name),
	}
	switch name {
	case "python": // the virtual environment with boto3
		candidates = []string{filepath.Join(cache, "py", "bin", "python")}
	case "aws1": // AWS CLI v1, current
		candidates = []string{filepath.Join(cache, "py", "bin", "aws")}
	case "aws2": // AWS CLI v2 of Debian
		candidates = []string{"/usr/bin/aws"}
	}
	for _, c := range candidates {
		if info, err := os.Stat(c); err == nil && !info.IsDir() {
			return c
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	t.Fatalf("%s is not installed: run integration/setup.sh", name)
	return ""
}

// Command is a client program to run.
type Command struct {
	Path    string
	Args    []string
	Env     []string // added to a small, clean environment
	Dir     string
	Stdin   string
	Timeout time.Duration // 0 is 3 minutes
}

// Run runs a client program to its end and returns what it printed on standard output; a failure fails the test
// with everything it said.
func Run(t testing.TB, c Command) string {
	t.Helper()
	stdout, stderr, err := Try(t, c)
	if err != nil {
		t.Fatalf("%s %q: %v\nstdout: %s\nstderr: %s", filepath.Base(c.Path), c.Args, err, clip(stdout), clip(stderr))
	}
	return stdout
}

// Try is Run for programs that may fail.
func Try(t testing.TB, c Command) (stdout, stderr string, err error) {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = 3 * time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), c.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir = c.Dir
	// A clean environment: the developer's own AWS settings must not leak into a test.
	home := t.TempDir()
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"LANG=C.UTF-8",
		"LC_ALL=C.UTF-8",
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=",
		"PYTHONWARNINGS=ignore",
	}, c.Env...)
	if c.Stdin != "" {
		cmd.Stdin = bytes.NewBufferString(c.Stdin)
	}
	cmd.WaitDelay = 5 * time.Second
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err = cmd.Run(); err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w (gave up after %v)", err, c.Timeout)
	}
	return out.String(), errOut.String(), err
}

func clip(s string) string {
	const limit = 6 << 10
	if len(s) <= limit {
		return s
	}
	return s[:limit/2] + "\n[...]\n" + s[len(s)-limit/2:]
}

// AWSEnv is the environment that AWS's own tools and SDKs read.
func (s *Server) AWSEnv() []string {
	env := []string{
		"AWS_ACCESS_KEY_ID=" + s.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
		"AWS_DEFAULT_REGION=" + s.Region,
		"AWS_REGION=" + s.Region,
		"AWS_ENDPOINT_URL=" + s.Endpoint,
		"AWS_ENDPOINT_URL_S3=" + s.Endpoint,
	}
	if s.CAFile != "" {
		env = append(env,
			"AWS_CA_BUNDLE="+s.CAFile,
			"REQUESTS_CA_BUNDLE="+s.CAFile,
			"NODE_EXTRA_CA_CERTS="+s.CAFile,
			"SSL_CERT_FILE="+s.CAFile,
			"CURL_CA_BUNDLE="+s.CAFile,
		)
	}
	return env
}
