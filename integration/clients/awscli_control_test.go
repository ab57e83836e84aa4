package clients

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestAWSCLIControl tags a bucket through S3 Control. The CLI puts the account before the endpoint's host name, which then has to be
// resolved: by a file of hosts of its own here, as *.localhost is by systemd-resolved. (The CLI of Debian 12 is too old to know these
// commands.)
func TestAWSCLIControl(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		const account = "123456789012"
		if s.External {
			t.Fatal("needs a server of its own")
		}
		who := query(t, s, "sts", "Action=GetCallerIdentity&Version=2011-06-15")
		root := between(who.Body, "<Account>", "</Account>")
		b := newBucket(t, goClient(t, s))
		arn := "arn:aws:s3:::" + b
		hosts := filepath.Join(t.TempDir(), "hosts")
		if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost s3.localhost "+root+".s3.localhost "+account+".s3.localhost\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		named := strings.Replace(s.Endpoint, "127.0.0.1", "s3.localhost", 1)
		run := func(wantErr string, args ...string) string {
			t.Helper()
			args = append([]string{"--mount", "sh", "-c", `mount --bind "$0" /etc/hosts && exec "$@"`, hosts, harness.Tool(t, "aws1"), "s3control"}, args...)
			cmd := harness.Command{Path: harness.Tool(t, "unshare"), Args: append(args, "--endpoint-url", named), Env: s.AWSEnv()}
			if wantErr == "" {
				return harness.Run(t, cmd)
			}
			out, said, err := harness.Try(t, cmd)
			if err == nil || !strings.Contains(said, "("+wantErr+")") {
				t.Errorf("%q: %v %s, want %s", args[6:], err, said, wantErr)
			}
			return out
		}
		list := func() (tags []string) {
			t.Helper()
			var doc struct{ Tags []struct{ Key, Value string } }
			if err := json.Unmarshal([]byte(run("", "list-tags-for-resource", "--account-id", root, "--resource-arn", arn)), &doc); err != nil {
				t.Fatal(err)
			}
			for _, tag := range doc.Tags {
				tags = append(tags, tag.Key+"="+tag.Value)
			}
			slices.Sort(tags)
			return tags
		}
		run("", "tag-resource", "--account-id", root, "--resource-arn", arn, "--tags", "Key=a,Value=1", "Key=ü b,Value=2 +/")
		if got := list(); !slices.Equal(got, []string{"a=1", "ü b=2 +/"}) {
			t.Errorf("tags %q", got)
		}
		run("", "untag-resource", "--account-id", root, "--resource-arn", arn, "--tag-keys", "a", "ü b")
		if got := list(); len(got) != 0 {
			t.Errorf("tags %q", got)
		}
		run("AccessDenied", "list-tags-for-resource", "--account-id", account, "--resource-arn", arn)
		run("NoSuchBucket", "list-tags-for-resource", "--account-id", root, "--resource-arn", arn+"-none")
	})
}
