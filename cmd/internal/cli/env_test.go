package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/cmd/internal/config"
	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
	"github.com/aureole-cloud/aureole/cmd/internal/tlscert"
)

// Whatever is in a secret, a shell must see just that.
func TestEnvSurvivesTheShell(t *testing.T) {
	for _, secret := range []string{"plain", "it's", `a"b`, "$HOME", "`id`", `back\slash`, "a b", "*", "!x", "#x", "a/b+c=="} {
		var lines bytes.Buffer
		err := writeEnv(&lines, "sh", credentials{"AK", secret}, datadir.Server{Endpoint: "http://h:1", Region: "r"})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sh", "-c", lines.String()+"printf %s \"$AWS_SECRET_ACCESS_KEY\"").Output()
		if err != nil || string(out) != secret {
			t.Errorf("%q came out as %q, %v", secret, out, err)
		}
	}
}

func TestEnvForgetsWhatWouldGetInTheWay(t *testing.T) {
	var lines bytes.Buffer
	if err := writeEnv(&lines, "sh", credentials{"AK", "SK"}, datadir.Server{Endpoint: "http://h:1", Region: "r"}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", lines.String()+`echo "[$AWS_SESSION_TOKEN$AWS_CA_BUNDLE$AWS_ENDPOINT_URL_S3$AWS_ENDPOINT_URL_EC2$AWS_ENDPOINT_URL_STS$AWS_ENDPOINT_URL_IAM]"`)
	cmd.Env = append(os.Environ(), "AWS_SESSION_TOKEN=old", "AWS_CA_BUNDLE=/old", "AWS_ENDPOINT_URL_S3=http://old", "AWS_ENDPOINT_URL_EC2=http://old",
		"AWS_ENDPOINT_URL_STS=http://old", "AWS_ENDPOINT_URL_IAM=http://old")
	if out, err := cmd.Output(); err != nil || string(out) != "[]\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestReadCredentials(t *testing.T) {
	for _, tc := range []struct {
		text string
		want credentials
		ok   bool
	}{
		{"# comment\n[default]\naws_access_key_id = AK\naws_secret_access_key = S=K\n", credentials{"AK", "S=K"}, true},
		{"[other]\naws_access_key_id=X\naws_secret_access_key=Y\n[default]\naws_access_key_id=AK\naws_secret_access_key=SK", credentials{"AK", "SK"}, true},
		{"[other]\naws_access_key_id=X\naws_secret_access_key=Y\n", credentials{}, false},
		{"[default]\naws_access_key_id = AK\n", credentials{}, false},
		{"", credentials{}, false},
	} {
		name := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(name, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readCredentials(name)
		if (err == nil) != tc.ok || tc.ok && got != tc.want {
			t.Errorf("%q = %+v, %v", tc.text, got, err)
		}
	}
}

// Before the first answer of a server, env goes by the settings.
func TestLocateWithoutAServer(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Listen = "0.0.0.0:9999"
	s, err := locate(dir, cfg)
	if err != nil || s.Endpoint != "http://127.0.0.1:9999" || s.CABundle != "" {
		t.Errorf("%+v, %v", s, err)
	}
	cfg.TLSSelfSigned = true
	tls := datadir.TLSDir(dir)
	if err := os.MkdirAll(tls, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tlscert.CAFile(tls), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = locate(dir, cfg)
	if err != nil || !strings.HasPrefix(s.Endpoint, "https://") || s.CABundle != tlscert.CAFile(tls) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 << 30: "5.0 GiB", 1 << 62: "4096.0 PiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d = %s, want %s", n, got, want)
		}
	}
}
