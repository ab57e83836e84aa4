package ec2api

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/wire"
)

// actions reads the page that the table of the server is written to.
func actions(t *testing.T) (built, unsupported []string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/ec2-actions.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, rest, found := strings.Cut(string(page), "## Unsupported")
	if !found {
		t.Fatal("docs/ec2-actions.md has another shape")
	}
	for line := range strings.Lines(rows) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && !strings.Contains(line, "---") && cells[1] != " action " {
			built = append(built, strings.TrimSpace(cells[1]))
		}
	}
	for line := range strings.Lines(rest) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "`") {
			unsupported = append(unsupported, line)
		}
	}
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

// TestBadInput: codes of refusals, and that nothing changed by them.
func TestBadInput(t *testing.T) {
	c := caller{t, start(t)}
	signer := c.signer("us-east-1", "ec2")
	ask := func(form string) (*wire.Reply, answer) {
		t.Helper()
		r := post(form)
		r.Host, r.NoHash = c.s.Host, true
		signer.SignV4(r, time.Now())
		return c.do(r)
	}
	state := func() string {
		t.Helper()
		var all strings.Builder
		for _, a := range []string{"DescribeKeyPairs", "DescribeTags"} {
			reply, _ := ask("Action=" + a)
			_, body, _ := strings.Cut(string(reply.Body), "</requestId>")
			all.WriteString(body)
		}
		return all.String()
	}
	if reply, _ := ask("Action=CreateKeyPair&KeyName=there&KeyType=ed25519"); reply.Status != 200 {
		t.Fatalf("%s", reply.Body)
	}
	before := state()
	for _, tc := range []struct{ form, code string }{
		{"CreateKeyPair", "MissingParameter"},
		{"CreateKeyPair&KeyName=", "MissingParameter"},
		{"CreateKeyPair&KeyName=" + strings.Repeat("x", 256), "InvalidParameterValue"},
		{"CreateKeyPair&KeyName=%C3%A9", "InvalidParameterValue"},
		{"CreateKeyPair&KeyName=there", "InvalidKeyPair.Duplicate"},
		{"CreateKeyPair&KeyName=x&KeyType=dsa", "InvalidParameterValue"},
		{"CreateKeyPair&KeyName=x&KeyFormat=der", "InvalidParameterValue"},
		{"CreateKeyPair&KeyName=x&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a", "InvalidParameterValue"},
		{"CreateKeyPair&KeyName=x&TagSpecification.1.ResourceType=key-pair&TagSpecification.1.Tag.1.Key=aws:a", "InvalidParameterValue"},
		{"CreateKeyPair&KeyName=x&TagSpecification.1.Tag.1.Key=a", "MissingParameter"},
		{"ImportKeyPair&KeyName=x", "MissingParameter"},
		{"ImportKeyPair&KeyName=x&PublicKeyMaterial=%2A", "InvalidParameterValue"},
		{"ImportKeyPair&KeyName=x&PublicKeyMaterial=aGVsbG8%3D", "InvalidKey.Format"},
		{"DeleteKeyPair", "MissingParameter"},
		{"DeleteKeyPair&KeyPairId=there", "InvalidKeyPair.Malformed"},
		{"DeleteKeyPair&KeyPairId=key-0123456789abcdef0&KeyName=there", "InvalidParameterCombination"},
		{"DescribeKeyPairs&KeyName.1=absent", "InvalidKeyPair.NotFound"},
		{"DescribeKeyPairs&KeyPairId.1=key-0123456789abcdef0", "InvalidKeyPair.NotFound"},
		{"DescribeKeyPairs&KeyPairId.1=i-0123456789abcdef0", "InvalidKeyPair.Malformed"},
		{"DescribeKeyPairs&Filter.1.Name=state&Filter.1.Value.1=x", "InvalidParameterValue"},
		{"DescribeKeyPairs&Filter.1.Name=key-name", "InvalidParameterValue"},
		{"DescribeKeyPairs&Filter.1.Value.1=x", "MissingParameter"},
		{"CreateTags&ResourceId.1=there", "MissingParameter"},
		{"CreateTags&Tag.1.Key=a", "MissingParameter"},
		{"CreateTags&ResourceId.1=there&Tag.1.Key=a", "InvalidID"},
		{"CreateTags&ResourceId.1=vpc-0123456789abcdef0&Tag.1.Key=a", "InvalidVpcID.NotFound"},
		{"CreateTags&ResourceId.1=i-0123456789abcdef0&Tag.1.Key=a", "InvalidInstanceID.NotFound"},
		{"CreateTags&ResourceId.1=key-0123456789abcdef0&Tag.1.Key=a", "InvalidKeyPair.NotFound"},
		{"DeleteTags&Tag.1.Key=a", "MissingParameter"},
		{"DeleteTags&ResourceId.1=subnet-0123456789abcdef0&Tag.1.Key=a", "InvalidSubnetID.NotFound"},
		{"DescribeTags&MaxResults=1", "InvalidParameterValue"},
		{"DescribeTags&NextToken=x", "InvalidNextToken"},
		{"DescribeTags&Filter.1.Name=colour&Filter.1.Value.1=x", "InvalidParameterValue"},
		{"DescribeInstanceTypes&InstanceType.1=t3.huge", "InvalidInstanceType"},
		{"DescribeInstanceTypes&MaxResults=101", "InvalidParameterValue"},
		{"DescribeInstanceTypes&NextToken=x", "InvalidNextToken"},
		{"DescribeInstanceTypeOfferings&LocationType=moon", "InvalidParameterValue"},
		{"DescribeRegions&RegionName.1=moon-1", "InvalidParameterValue"},
		{"DescribeAvailabilityZones&ZoneName.1=moon-1a", "InvalidParameterValue"},
		{"DescribeAvailabilityZones&ZoneName.1=us-east-1a&ZoneId.1=use1-az1", "InvalidParameterCombination"},
		{"DescribeAccountAttributes&AttributeName.1=colour", "InvalidParameterValue"},
		{"DescribeVpcEndpoints&NextToken=x", "InvalidNextToken"},
		{"DescribeVpcClassicLink", "UnsupportedOperation"},
	} {
		reply, a := ask("Action=" + tc.form)
		if reply.Status != 400 || a.Code != tc.code || a.Message == "" {
			t.Errorf("%s: %d %s, want %s", tc.form, reply.Status, reply.Body, tc.code)
		}
	}
	if after := state(); after != before {
		t.Errorf("changed: %s\nbefore: %s", after, before)
	}
}

// TestUsers: a user without policy may do nothing in EC2, and a dry run says so.
func TestUsers(t *testing.T) {
	s := start(t)
	if out, err := s.CLI("admin", "user", "create", "eve", "--access-key", "AKIAEVE0000000000000", "--secret-key", "evesecretevesecretevesecret0"); err != nil {
		t.Fatal(err, out)
	}
	c := caller{t, s}
	signer := &wire.Signer{Access: "AKIAEVE0000000000000", Secret: "evesecretevesecretevesecret0", Region: "us-east-1", Service: "ec2"}
	// A user made so has an account of its own, and with it a default VPC of its own.
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
