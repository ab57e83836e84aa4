package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/aureole-cloud/aureole/cmd/internal/config"
)

// load parses args as serve would and loads with the environment and the YAML text.
func load(t *testing.T, yaml string, env []string, args ...string) (config.Config, error) {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(fs)
	if yaml != "" {
		name := filepath.Join(t.TempDir(), "aureole.yaml")
		if err := os.WriteFile(name, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"--config", name}, args...)
	}
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(fs, env)
}

func TestPrecedence(t *testing.T) {
	yaml := "region: from-file\n"
	env := []string{"AUREOLE_REGION=from-env"}
	flag := []string{"--region", "from-flag"}
	for _, tc := range []struct {
		name string
		yaml string
		env  []string
		args []string
		want string
	}{
		{"nothing", "", nil, nil, "us-east-1"},
		{"file", yaml, nil, nil, "from-file"},
		{"environment over file", yaml, env, nil, "from-env"},
		{"flag over environment", yaml, env, flag, "from-flag"},
		{"flag over file", yaml, nil, flag, "from-flag"},
		{"flag equal to the default over environment", "", env, []string{"--region", "us-east-1"}, "us-east-1"},
		{"empty variable is no value", yaml, []string{"AUREOLE_REGION="}, nil, "from-file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := load(t, tc.yaml, tc.env, tc.args...)
			if err != nil {
				t.Fatal(err)
			}
			if c.Region != tc.want {
				t.Errorf("region = %q, want %q", c.Region, tc.want)
			}
		})
	}
}

func TestListsReplaceAndSplit(t *testing.T) {
	yaml := "data: [/a, /b]\ndomain: s3.example.com\n"
	c, err := load(t, yaml, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Data, " "); got != "/a /b" {
		t.Errorf("data from file = %s", got)
	}
	if len(c.Domains) != 1 || c.Domains[0] != "s3.example.com" {
		t.Errorf("a single value for a list = %v", c.Domains)
	}
	c, err = load(t, yaml, []string{"AUREOLE_DATA=/c, /d"})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Data, " "); got != "/c /d" {
		t.Errorf("data from environment = %s", got)
	}
	c, err = load(t, yaml, []string{"AUREOLE_DATA=/c"}, "--data", "/e", "--data", "/f,g")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Data, " "); got != "/e /f,g" {
		t.Errorf("data from flags = %s", got)
	}
}

func TestTypes(t *testing.T) {
	c, err := load(t, "replicas: 3\nstrict-region: true\nshutdown-timeout: 5s\nmemory-limit: 1GiB\n",
		[]string{"AUREOLE_LIFECYCLE_DAY=10s", "AUREOLE_TLS_SELF_SIGNED=1", "AUREOLE_ROOT_ACCOUNT_ID=000000000042"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Replicas != 3 || !c.StrictRegion || c.ShutdownTimeout != 5*time.Second || c.MemoryLimit != 1<<30 {
		t.Errorf("from file: %+v", c)
	}
	if c.LifecycleDay != 10*time.Second || !c.TLS() || c.RootAccountID != "000000000042" {
		t.Errorf("from environment: %+v", c)
	}
}

func TestErrorsNameTheSettingAndItsOrigin(t *testing.T) {
	for _, tc := range []struct {
		name string
		yaml string
		env  []string
		args []string
		want []string
	}{
		{"unknown key", "replcas: 3\n", nil, nil, []string{"aureole.yaml", `"replcas"`, `"replicas"`}},
		{"unknown key far from any", "nonsense: 3\n", nil, nil, []string{`unknown setting "nonsense"`}},
		{"not YAML", "a: [\n", nil, nil, []string{"aureole.yaml"}},
		{"number in file", "replicas: many\n", nil, nil, []string{"replicas", `"many"`, "aureole.yaml"}},
		{"number in environment", "", []string{"AUREOLE_REPLICAS=x"}, nil, []string{"replicas", "AUREOLE_REPLICAS"}},
		{"number in flag", "", nil, []string{"--replicas=1.5"}, []string{"replicas", "--replicas"}},
		{"negative", "", nil, []string{"--replicas=-1"}, []string{"replicas"}},
		{"list for one value", "region: [a, b]\n", nil, nil, []string{"region", "not several"}},
		{"map for a list", "data: {a: b}\n", nil, nil, []string{"data"}},
		{"bool", "", []string{"AUREOLE_PPROF=maybe"}, nil, []string{"pprof", "AUREOLE_PPROF"}},
		{"duration", "lifecycle-day: 10\n", nil, nil, []string{"lifecycle-day"}},
		{"short day", "", []string{"AUREOLE_LIFECYCLE_DAY=1ms"}, nil, []string{"lifecycle-day"}},
		{"size", "memory-limit: 1 gig\n", nil, nil, []string{"memory-limit", "1 gig"}},
		{"tiny limit", "memory-limit: 1KiB\n", nil, nil, []string{"memory-limit"}},
		{"address", "", nil, []string{"--listen", "9000"}, []string{"listen"}},
		{"port", "", nil, []string{"--admin-listen", "localhost:notaport"}, []string{"admin-listen"}},
		{"same folder twice", "", nil, []string{"--data", "/a", "--data", "/a/"}, []string{"data", "twice"}},
		{"certificate without key", "", nil, []string{"--tls-cert", "c.pem"}, []string{"tls-cert", "tls-key"}},
		{"both kinds of TLS", "", nil, []string{"--tls-cert=c", "--tls-key=k", "--tls-self-signed"}, []string{"tls-self-signed"}},
		{"names without certificate", "", nil, []string{"--tls-name=x"}, []string{"tls-name"}},
		{"half a root key", "", []string{"AUREOLE_ROOT_ACCESS_KEY_ID=abc"}, nil, []string{"root-secret-access-key"}},
		{"account", "", []string{"AUREOLE_ROOT_ACCOUNT_ID=42"}, nil, []string{"root-account-id"}},
		{"hypervisor", "", nil, []string{"--hypervisor=xen"}, []string{"hypervisor", "libvirt"}},
		{"log level", "", nil, []string{"--log-level=loud"}, []string{"log-level", "loud"}},
		{"missing file", "", []string{"AUREOLE_CONFIG=/nonexistent.yaml"}, nil, []string{"/nonexistent.yaml"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(t, tc.yaml, tc.env, tc.args...)
			if !errors.Is(err, config.ErrInvalid) {
				t.Fatalf("err = %v, want ErrInvalid", err)
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not mention %q", err, w)
				}
			}
		})
	}
}

func TestSecretsHaveNoFlag(t *testing.T) {
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(fs)
	if fs.Lookup("root-secret-access-key") != nil {
		t.Error("a secret can be given on the command line")
	}
	_, err := load(t, "", []string{"AUREOLE_ROOT_ACCESS_KEY_ID=abc", "AUREOLE_ROOT_SECRET_ACCESS_KEY=hunter2"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a bad secret must be refused without showing it: %v", err)
	}
}

func TestUnknownEnv(t *testing.T) {
	got := config.UnknownEnv([]string{"AUREOLE_REGION=x", "AUREOLE_REGOIN=x", "HOME=/", "AUREOLE_CONFIG="})
	if len(got) != 1 || got[0] != "AUREOLE_REGOIN" {
		t.Errorf("UnknownEnv = %v", got)
	}
}

// The table of docs/operations.md has the settings of the program, all of them, with their defaults and no others.
func TestSettingsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(doc), "| flag | variable | default | |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	told := map[string]string{} // flag or variable -> default
	for row := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(row, "|")
		if len(cells) != 6 {
			t.Fatalf("a row of %d cells: %s", len(cells)-2, row)
		}
		for _, cell := range cells[1:3] {
			for name := range strings.SplitSeq(cell, ",") {
				name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
				if name = strings.Trim(name, "`"); name != "" && name != "---" {
					told[name] = strings.Trim(cells[3], " `")
				}
			}
		}
	}
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.AddFlags(flags)
	for _, s := range config.Settings() {
		names := []string{s.Env()}
		want := "generated"
		if f := flags.Lookup(s.Name); f != nil {
			names = append(names, "--"+s.Name)
			want = strings.Trim(f.DefValue, "[]")
		} else if s.Name == "lifecycle-day" {
			want = "24h"
		}
		for _, name := range names {
			got, ok := told[name]
			if !ok {
				t.Errorf("docs/operations.md does not have %s", name)
			} else if got != want {
				t.Errorf("docs/operations.md says that the default of %s is %q; it is %q", name, got, want)
			}
			delete(told, name)
		}
	}
	for name := range told {
		t.Errorf("docs/operations.md has %s, which is no setting", name)
	}
}
