package model_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// TestWire: the elements of answers, as AWS sends them.
func TestWire(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	for name, tc := range map[string]struct {
		v    interface{ EncodeXML(*ec2xml.Writer) }
		want string
	}{
		"nothing but success": {&model.Done{}, `<return>true</return>`},
		"no items at the top": {&model.DescribeVpcsResult{}, `<vpcSet/>`},
		"items, and a token": {&model.DescribeTagsResult{NextToken: new("x"), Tags: []model.TagDescription{{Key: new("a<b"), Value: new(""), ResourceId: new("i-1"), ResourceType: new("instance")}}},
			`<nextToken>x</nextToken><tagSet><item><key>a&lt;b</key><resourceId>i-1</resourceId><resourceType>instance</resourceType><value/></item></tagSet>`},
		"absent, empty and filled lists": {&model.DescribeSecurityGroupsResult{SecurityGroups: []model.SecurityGroup{{
			GroupId: new("sg-1"), IpPermissions: []model.IpPermission{{IpProtocol: new("-1"), IpRanges: []model.IpRange{{CidrIp: new("0.0.0.0/0")}}, Ipv6Ranges: []model.Ipv6Range{}, UserIdGroupPairs: []model.UserIdGroupPair{{GroupId: new("sg-2")}}}},
		}}}, `<securityGroupInfo><item><groupId>sg-1</groupId><ipPermissions><item><ipProtocol>-1</ipProtocol><groups><item><groupId>sg-2</groupId></item></groups>` +
			`<ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges/></item></ipPermissions></item></securityGroupInfo>`},
		"an instance": {&model.Reservation{ReservationId: new("r-1"), OwnerId: new("123456789012"), Instances: []model.Instance{{
			InstanceId: new("i-1"), LaunchTime: &at, AmiLaunchIndex: new(0), EbsOptimized: new(false), State: &model.InstanceState{Code: new(16), Name: new("running")},
			SecurityGroups: []model.GroupIdentifier{{GroupId: new("sg-1"), GroupName: new("default")}},
			Tags:           []model.Tag{{Key: new("Name"), Value: new("é\x01")}},
		}}}, `<instancesSet><item><amiLaunchIndex>0</amiLaunchIndex><ebsOptimized>false</ebsOptimized><groupSet><item><groupId>sg-1</groupId><groupName>default</groupName></item></groupSet>` +
			`<instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState><launchTime>2026-01-02T03:04:05.006Z</launchTime>` +
			`<tagSet><item><key>Name</key><value>é�</value></item></tagSet></item></instancesSet><ownerId>123456789012</ownerId><reservationId>r-1</reservationId>`},
	} {
		w := ec2xml.NewWriter(nil)
		tc.v.EncodeXML(w)
		if got := sorted(string(w.Bytes())); got != sorted(tc.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, w.Bytes(), tc.want)
		}
	}
}

// sorted puts siblings in order: theirs is the model's, and nobody may depend on it.
func sorted(s string) string {
	var parts []string
	for s != "" {
		n := element(s)
		e := s[:n]
		s = s[n:]
		if open := strings.IndexByte(e, '>') + 1; open > 0 && open < len(e) {
			close := strings.LastIndex(e, "</")
			e = e[:open] + sorted(e[open:close]) + e[close:]
		}
		parts = append(parts, e)
	}
	for i := range parts {
		for j := i; j > 0 && parts[j] < parts[j-1]; j-- {
			parts[j], parts[j-1] = parts[j-1], parts[j]
		}
	}
	return strings.Join(parts, "")
}

// element is the length of the element, or text, that s begins with.
func element(s string) int {
	if s[0] != '<' {
		if i := strings.IndexByte(s, '<'); i >= 0 {
			return i
		}
		return len(s)
	}
	depth := 0
	for i := 0; i < len(s); {
		end := i + strings.IndexByte(s[i:], '>') + 1
		switch tag := s[i:end]; {
		case strings.HasPrefix(tag, "</"):
			depth--
		case !strings.HasSuffix(tag, "/>"):
			depth++
		}
		if depth == 0 {
			return end
		}
		i = end + strings.IndexByte(s[end:], '<')
	}
	return len(s)
}
