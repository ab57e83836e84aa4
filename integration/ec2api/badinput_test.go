package ec2api

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/wire"
)

// states reads the page that the table of the server is written to: what is built, partial, empty or unsupported.
func states(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/ec2-actions.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, rest, found := strings.Cut(string(page), "## Unsupported")
	if !found {
		t.Fatal("docs/ec2-actions.md has another shape")
	}
	out := map[string]string{}
	for line := range strings.Lines(rows) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && !strings.Contains(line, "---") && cells[1] != " action " {
			out[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[2])
		}
	}
	for line := range strings.Lines(rest) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "`") {
			out[line] = "unsupported"
		}
	}
	return out
}

// actions lists those that the server carries out, and those that it only knows.
func actions(t *testing.T) (built, unsupported []string) {
	t.Helper()
	for action, state := range states(t) {
		if state == "unsupported" {
			unsupported = append(unsupported, action)
		} else {
			built = append(built, action)
		}
	}
	slices.Sort(built)
	slices.Sort(unsupported)
	if len(built) < 80 || len(unsupported) < 300 {
		t.Fatalf("%d actions built, %d not", len(built), len(unsupported))
	}
	return built, unsupported
}

// TestEveryActionRefuses: whatever action it is, what is wrong with a request is said in the words of EC2, and never by a
// failure of the server.
func TestEveryActionRefuses(t *testing.T) {
	c := caller{t, start(t)}
	signer := c.signer("us-east-1", "ec2")
	ask := func(form string) (int, string, string) {
		t.Helper()
		r := post(form)
		r.Host, r.NoHash = c.s.Host, true
		signer.SignV4(r, time.Now())
		reply, a := c.do(r)
		return reply.Status, a.Code, a.Message
	}
	built, unsupported := actions(t)
	for _, a := range built {
		status, code, _ := ask("Action=" + a + "&Colour=red")
		if code != "UnknownParameter" && code != "MissingParameter" || status != 400 {
			t.Errorf("%s: unknown parameter: %d %s", a, status, code)
		}
		status, code, message := ask("Action=" + a)
		switch {
		case status == 200, code == "MissingParameter", code == "UnsupportedOperation", code == "DefaultVpcAlreadyExists", strings.HasPrefix(code, "Invalid"):
		default:
			t.Errorf("%s: no parameters: %d %s %s", a, status, code, message)
		}
		if status == 200 && !strings.HasPrefix(a, "Describe") && !strings.HasPrefix(a, "Get") && a != "AllocateAddress" && a != "CreateDhcpOptions" && a != "CreateInternetGateway" {
			t.Errorf("%s: succeeded without parameters", a)
		}
		if strings.HasPrefix(a, "Describe") {
			if _, code, _ := ask("Action=" + a + "&Filter.1.Name=nonsense&Filter.1.Value.1=x"); code != "InvalidParameterValue" && code != "UnknownParameter" && code != "MissingParameter" {
				t.Errorf("%s: unknown filter: %s", a, code)
			}
		}
		if status, code, message := ask("Action=" + a + "&DryRun=maybe"); status != 400 || code == "UnknownParameter" && a != "DescribeFleets" && !strings.Contains(message, "DryRun") ||
			code != "InvalidParameterValue" && code != "MissingParameter" && code != "UnknownParameter" {
			t.Errorf("%s: no boolean: %d %s %s", a, status, code, message)
		}
	}
	for _, a := range unsupported {
		if status, code, message := ask("Action=" + a); status != 400 || code != "UnsupportedOperation" || message == "" {
			t.Errorf("%s: %d %s", a, status, code)
		}
	}
}

// TestUsers: a user that is made by itself has an account of its own, and in it another default VPC.
func TestUsers(t *testing.T) {
	s := start(t)
	if out, err := s.CLI("admin", "user", "create", "eve", "--access-key", "AKIAEVE0000000000000", "--secret-key", "evesecretevesecretevesecret0"); err != nil {
		t.Fatal(err, out)
	}
	c := caller{t, s}
	signer := &wire.Signer{Access: "AKIAEVE0000000000000", Secret: "evesecretevesecretevesecret0", Region: "us-east-1", Service: "ec2"}
	r := post("Action=DescribeVpcs")
	r.Host, r.NoHash = c.s.Host, true
	signer.SignV4(r, time.Now())
	mine, _ := c.do(r)
	signer2 := c.signer("us-east-1", "ec2")
	r = post("Action=DescribeVpcs")
	r.Host, r.NoHash = c.s.Host, true
	signer2.SignV4(r, time.Now())
	theirs, _ := c.do(r)
	id := func(b []byte) string {
		_, rest, _ := strings.Cut(string(b), "<vpcId>")
		id, _, _ := strings.Cut(rest, "<")
		return id
	}
	if a, b := id(mine.Body), id(theirs.Body); a == b || !strings.HasPrefix(a, "vpc-") || !strings.HasPrefix(b, "vpc-") {
		t.Errorf("%q and %q: %s", a, b, mine.Body)
	}
}
