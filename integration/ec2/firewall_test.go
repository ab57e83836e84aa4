package ec2

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// within is how soon a change of a group is in force.
const within = time.Second

// What the groups say holds for packets: a port is closed, opens and closes while the guest runs, a group that another names
// follows its members, a spoofed source gets nowhere, and the metadata service keeps to its options.
func TestFirewall(t *testing.T) {
	c := guests(t)
	key, group := c.keyAndGroup(t, "outer")
	inner, err := c.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("inner"), Description: aws.String("from outer only")})
	if err != nil {
		t.Fatal(err)
	}
	made := c.run(t, func(in *ec2.RunInstancesInput) {
		in.KeyName, in.SecurityGroupIds, in.MinCount, in.MaxCount = aws.String("outer"), []string{group}, aws.Int32(2), aws.Int32(2)
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired}
	})
	a, b := made[0], made[1]
	aAt, bAt := aws.ToString(a.PublicIpAddress), aws.ToString(b.PublicIpAddress)
	aShell, bShell := c.ssh(t, aAt, key, boot), c.ssh(t, bAt, key, boot)
	for _, sh := range []*shell{aShell, bShell} {
		sh.do(t, "mkdir -p /root/www; echo hello >/root/www/index.html; httpd -p 7000 -h /root/www")
	}
	web := func(how string) []types.IpPermission {
		p := types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(7000), ToPort: aws.Int32(7000)}
		if how == "all" {
			p.IpRanges = []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}
		} else {
			p.UserIdGroupPairs = []types.UserIdGroupPair{{GroupId: aws.String(how)}}
		}
		return []types.IpPermission{p}
	}
	open := func(on, how string) {
		t.Helper()
		if _, err := c.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &on, IpPermissions: web(how)}); err != nil {
			t.Fatal(err)
		}
	}
	outside := net.JoinHostPort(aAt, "7000")
	if reaches(outside, within) {
		t.Error("a port that no rule opens is reached")
	}
	open(group, "all")
	if !reaches(outside, within) {
		t.Errorf("an opened port is not reached within %v", within)
	}
	if _, err := c.RevokeSecurityGroupIngress(t.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, IpPermissions: web("all")}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(within)
	if reaches(outside, within) {
		t.Errorf("a closed port is reached after %v", within)
	}

	// B moves into a group that lets members of A's group in.
	bPrivate := aws.ToString(b.PrivateIpAddress)
	fetch := "wget -q -O - http://" + bPrivate + ":7000/"
	if got := aShell.try("timeout 2 " + fetch); got != "" {
		t.Errorf("before the rule: %q", got)
	}
	open(*inner.GroupId, group)
	groups := func(ids ...string) {
		t.Helper()
		if _, err := c.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{InstanceId: b.InstanceId, Groups: ids}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(within)
	}
	groups(group, *inner.GroupId)
	if got := aShell.try("timeout 5 " + fetch); got != "hello" {
		t.Errorf("a member of the group that the rule names gets %q", got)
	}
	if reaches(net.JoinHostPort(bAt, "7000"), within) {
		t.Error("the outside is let in by a rule for a group")
	}
	groups(group)
	if got := aShell.try("timeout 2 " + fetch); got != "" {
		t.Errorf("after it left the group: %q", got)
	}

	// A claims an address that is not its own.
	groups(group, *inner.GroupId)
	got := aShell.try("ip addr add 172.31.15.250/32 dev eth0 && timeout 3 nc -s 172.31.15.250 " + bPrivate + " 7000 </dev/null; echo status=$?")
	if !strings.HasSuffix(got, "status=1") && !strings.HasSuffix(got, "status=143") && !strings.HasSuffix(got, "status=124") {
		t.Errorf("a spoofed source: %q", got)
	}
	if got := aShell.try("timeout 5 " + fetch); got != "hello" {
		t.Errorf("with its own address: %q", got)
	}

	// A token is asked for, as the instance demands; with a token all is told.
	if got := aShell.try("timeout 5 wget -q -O - http://169.254.169.254/latest/meta-data/instance-id"); got != "" {
		t.Errorf("without a token: %q", got)
	}
	if got := aShell.do(t, "imds meta-data/instance-id"); got != *a.InstanceId {
		t.Errorf("with a token: %q", got)
	}
	if got := bShell.do(t, "imds meta-data/ami-launch-index"); got != "1" {
		t.Errorf("launch index %q", got)
	}
}

// reaches tells whether a port answers within a time.
func reaches(address string, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		conn, err := net.DialTimeout("tcp", address, limit/2)
		if err == nil {
			conn.Close()
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// try runs a command in the guest that may fail, and returns what it printed.
func (s *shell) try(command string) string {
	session, err := s.client.NewSession()
	if err != nil {
		return err.Error()
	}
	defer session.Close()
	out, _ := session.Output(command) // its status is not the point
	return strings.TrimSpace(string(out))
}
