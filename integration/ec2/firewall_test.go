package ec2

import (
	"net"
	"strconv"
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

	groups(group, *inner.GroupId)
	c.spoofs(t, aShell, bShell, *inner.GroupId, bPrivate)
	if got := aShell.try("timeout 5 " + fetch); got != "hello" {
		t.Errorf("with its own address: %q", got)
	}

	// A rule that goes lets no new flow in; those that are established go on, as the ssh sessions of this test.
	ssh := &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, IpPermissions: []types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}}
	if _, err := c.RevokeSecurityGroupIngress(t.Context(), ssh); err != nil {
		t.Fatal(err)
	}
	time.Sleep(within)
	if reaches(net.JoinHostPort(aAt, "22"), within) {
		t.Error("a new flow gets in after its rule was revoked")
	}
	if got := aShell.do(t, "echo still here"); got != "still here" {
		t.Errorf("an established flow says %q after its rule was revoked", got)
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
	c.secondHop(t, aShell, a)
}

// spoofs has A send in other names than its own to B, which counts what arrives: pings of anybody are let in.
func (c *cloud) spoofs(t *testing.T, a, b *shell, group, target string) {
	t.Helper()
	_, err := c.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: []types.IpPermission{{
		IpProtocol: aws.String("icmp"), FromPort: aws.Int32(8), ToPort: aws.Int32(-1), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(within)
	arrived := func(what, script string, want int) {
		t.Helper()
		const count = "awk '/^Icmp: [0-9]/ {print $10}' /proc/net/snmp"
		before, err := strconv.Atoi(b.do(t, count))
		if err != nil {
			t.Fatal(err)
		}
		said := a.try(script)
		after, err := strconv.Atoi(b.do(t, count))
		if err != nil {
			t.Fatal(err)
		}
		if after-before != want {
			t.Errorf("%s: %d pings arrive, want %d; A says\n%s", what, after-before, want, said)
		}
	}
	ping := "ping -c 3 -W 1 " + target
	arrived("in its own name", ping, 3)
	arrived("from another address", "ip addr add 172.31.15.250/32 dev eth0; ping -c 3 -W 1 -I 172.31.15.250 "+target+"; ip addr del 172.31.15.250/32 dev eth0", 0)
	// The session itself goes over the interface whose address changes, so the script runs on its own. It tells the address it
	// had then, and knows the next hop without asking, for even the question would be dropped.
	arrived("from another MAC", `own=$(cat /sys/class/net/eth0/address)
hop=$(ip route get `+target+` | awk '{for (i = 1; i < NF; i++) if ($i == "via") {print $(i + 1); exit} print $1; exit}')
router=$(awk -v h=$hop '$1 == h {print $4}' /proc/net/arp)
rm -f /tmp/spoof
(sleep 0.3; ip link set eth0 address 02:00:00:00:be:ef; arp -s $hop $router; `+ping+`; cat /sys/class/net/eth0/address
ip link set eth0 address $own; arp -d $hop; echo end) >/tmp/spoof 2>&1 </dev/null &
until grep -q end /tmp/spoof; do sleep 0.2; done; cat /tmp/spoof; grep -q be:ef /tmp/spoof`, 0)
	if got := a.try("cat /tmp/spoof"); !strings.Contains(got, "be:ef") || !strings.Contains(got, "3 packets transmitted") {
		t.Errorf("A did not send from another MAC:\n%s", got)
	}
	arrived("in its own name again", ping, 3)
}

// secondHop asks for metadata from behind the guest, as a container does: a network namespace that the guest routes to, with a
// second address of the instance. The answer with the token does not get that far unless its hop limit lets it.
func (c *cloud) secondHop(t *testing.T, sh *shell, i types.Instance) {
	t.Helper()
	out, err := c.AssignPrivateIpAddresses(t.Context(), &ec2.AssignPrivateIpAddressesInput{
		NetworkInterfaceId: i.NetworkInterfaces[0].NetworkInterfaceId, SecondaryPrivateIpAddressCount: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	second := aws.ToString(out.AssignedPrivateIpAddresses[0].PrivateIpAddress)
	sh.do(t, `set -e
sysctl -w net.ipv4.ip_forward=1
ip link add hop0 type veth
unshare -n sleep 1000 >/dev/null 2>&1 </dev/null &
inner=$!
echo $inner >/tmp/inner
sleep 1
ip link set veth0 netns $inner
ip link set hop0 up
ip addr add 10.200.0.1/32 dev hop0
ip route add `+second+`/32 dev hop0
nsenter -t $inner -n sh -c "ip link set lo up; ip link set veth0 up; ip addr add `+second+`/32 dev veth0; ip route add 10.200.0.1 dev veth0; ip route add default via 10.200.0.1"
nsenter -t $inner -n ping -c 1 -W 2 10.200.0.1`)
	const ask = "rm -f /run/imds-token; timeout 6 nsenter -t $(cat /tmp/inner) -n imds meta-data/instance-id"
	if got := sh.try(ask); got != "" {
		t.Errorf("through a second hop, with a hop limit of 1: %q", got)
	}
	_, err = c.ModifyInstanceMetadataOptions(t.Context(), &ec2.ModifyInstanceMetadataOptionsInput{InstanceId: i.InstanceId, HttpPutResponseHopLimit: aws.Int32(2)})
	if err != nil {
		t.Fatal(err)
	}
	if got := sh.try(ask); got != *i.InstanceId {
		t.Errorf("through a second hop, with a hop limit of 2: %q", got)
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
