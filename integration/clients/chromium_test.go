package clients

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// driver is the page that Chromium shows at every address of our origins: it asks for scripts, runs them and reports what they
// returned. A script that is about to leave the page sets "leaving"; the page that comes next goes on asking.
const driver = `<!doctype html><meta charset="utf-8"><title>driver</title><body><script>
(async () => {
	while (!window.leaving) {
		const next = await fetch("/next");
		if (next.status !== 200) continue;
		const out = {};
		try {
			out.value = await new (async () => {}).constructor(await next.text())();
		} catch (e) {
			out.error = String(e);
		}
		await fetch("/result", {method: "POST", body: JSON.stringify(out), keepalive: true});
	}
})();
</script>`

// chromium is a headless Chromium with one page of ours open.
type chromium struct {
	t       testing.TB
	origin  string // of the page at first
	other   string // another origin with the same page
	scripts chan string
	results chan verdict
}

type verdict struct {
	Value json.RawMessage `json:"value"`
	Error string          `json:"error"`
}

// openChromium starts it for the time of a test. It trusts the certificate of the server, and knows only names that are
// its own machine's.
func openChromium(t testing.TB, s *harness.Server) *chromium {
	t.Helper()
	c := &chromium{t: t, scripts: make(chan string), results: make(chan verdict)}
	ended := make(chan struct{})
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/next":
			select {
			case script := <-c.scripts:
				_, _ = io.WriteString(w, script)
			case <-time.After(60 * time.Second): // the page may be gone without our being told
				w.WriteHeader(http.StatusNoContent)
			case <-r.Context().Done():
			case <-ended:
			}
		case "/result":
			var v verdict
			if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
				v.Error = err.Error()
			}
			select {
			case c.results <- v:
			case <-ended:
			}
		default:
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, driver)
		}
	}))
	t.Cleanup(pages.Close)
	t.Cleanup(func() { close(ended) })
	c.origin = pages.URL
	c.other = strings.Replace(pages.URL, "127.0.0.1", "localhost", 1)

	dir := t.TempDir()
	args := []string{"--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
		"--disable-background-networking", "--disable-component-update", "--user-data-dir=" + dir, "--remote-debugging-port=0",
		"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost , EXCLUDE *.localhost"}
	if s.CAFile != "" {
		args = append(args, "--ignore-certificate-errors-spki-list="+publicKeyHash(t, s))
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "chromium.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(harness.Tool(t, "chromium-headless-shell"), append(args, c.origin+"/start")...)
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: the renderers end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		log.Close()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("chromium said: %.4000s", said)
		}
	})
	return c
}

// in is the same browser for a subtest.
func (c *chromium) in(t testing.TB) *chromium {
	sub := *c
	sub.t = t
	return &sub
}

// publicKeyHash is the server's public key as Chromium's option wants it.
func publicKeyHash(t testing.TB, s *harness.Server) string {
	t.Helper()
	conn, err := tls.Dial("tcp", s.Host, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sum := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// try runs the body of an async function in the page, with args as the constant "args", and fills in what it returns.
func (c *chromium) try(script string, args, out any) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	given, err := json.Marshal(args)
	if err != nil {
		c.t.Fatal(err)
	}
	select {
	case c.scripts <- "const args = " + string(given) + ";\n" + script:
	case <-ctx.Done():
		c.t.Fatal("the page does not ask for scripts: did it lead elsewhere?")
	}
	select {
	case v := <-c.results:
		if v.Error == "" && out != nil {
			if err := json.Unmarshal(v.Value, out); err != nil {
				c.t.Fatalf("the script returned %s: %v", v.Value, err)
			}
		}
		return v.Error
	case <-ctx.Done():
		c.t.Fatal("the script does not end")
	}
	return ""
}

// run is try for scripts that must not throw.
func (c *chromium) run(script string, args, out any) {
	c.t.Helper()
	if err := c.try(script, args, out); err != "" {
		c.t.Fatalf("in the page: %s", err)
	}
}

// open goes to an address that shows the driver again.
func (c *chromium) open(address string) {
	c.t.Helper()
	c.run(`window.leaving = true; setTimeout(() => location.href = args)`, address, nil)
}
