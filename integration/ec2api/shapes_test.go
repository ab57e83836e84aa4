package ec2api

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/aureole-cloud/aureole/integration/wire"
)

// TestShapes holds answers against what AWS was recorded to answer: which elements are there, which of them are empty, and
// the values that are defaults. A file of testdata/shapes says where it is recorded, the request, and a line for each element:
//
//	path          it is there, and has something in it
//	path=value    it is there with this value everywhere, or empty
//	path=*        it is there, empty or not
//	?path         it may be there
//	-path: why    AWS has it and this server does not
//
// Elements that no line names fail as those that are missed do, and so does one that is there despite its "-".
func TestShapes(t *testing.T) {
	f := shapesFixture(t)
	files, err := filepath.Glob("testdata/shapes/*.txt")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	slices.SortStableFunc(files, func(a, b string) int { return len(changes(a)) - len(changes(b)) }) // what describes comes first
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			request, want := readShape(t, file)
			reply, a := f.ask(t, f.owner, f.fill(t, request))
			if a.Code != "" {
				t.Fatalf("%s: %s", a.Code, a.Message)
			}
			got := shapeOf(t, reply.Body)
			for path, line := range want {
				values, there := got[path]
				switch {
				case line.optional:
				case line.absent != there:
				case line.absent:
					t.Errorf("%s is there: take it from the list of what is missed", path)
				default:
					t.Errorf("%s is missed", path)
				}
				for _, v := range values {
					if line.fixed && line.value != "*" && v != line.value {
						t.Errorf("%s is %q, not %q", path, v, line.value)
					}
					if !line.fixed && v == "" {
						t.Errorf("%s is empty", path)
					}
				}
			}
			for path, values := range got {
				if _, known := want[path]; !known {
					t.Errorf("%s is there (%.40q), and AWS has no such element", path, values)
				}
			}
		})
	}
}

// changes is not empty for files whose request changes something.
func changes(file string) string {
	if strings.HasPrefix(filepath.Base(file), "Describe") {
		return ""
	}
	return file[:1]
}

type shapeLine struct {
	value                   string
	fixed, optional, absent bool
}

func readShape(t *testing.T, file string) (request string, lines map[string]shapeLine) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	lines = map[string]shapeLine{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if r, ok := strings.CutPrefix(line, "request: "); ok {
			request = r
		} else if line != "" && line[0] != '#' {
			var l shapeLine
			switch line[0] {
			case '?':
				l.optional, line = true, line[1:]
			case '-':
				path, why, ok := strings.Cut(line[1:], ": ")
				if !ok || why == "" {
					t.Fatalf("%s: no reason", line)
				}
				l.absent, line = true, path
			}
			line, l.value, l.fixed = strings.Cut(line, "=")
			lines[line] = l
		}
	}
	if request == "" || !strings.HasPrefix(text, "# ") || len(lines) == 0 {
		t.Fatalf("%s has no request, no source or no lines", file)
	}
	return request, lines
}

// shapeOf are the elements below the root of an answer but its request id, with their texts: what has elements in it is "…".
func shapeOf(t *testing.T, body []byte) map[string][]string {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(body))
	out := map[string][]string{}
	type open struct {
		path, text string
		inner      bool
	}
	var stack []open
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			path := e.Name.Local
			if n := len(stack); n > 0 {
				stack[n-1].inner = true
				path = strings.TrimPrefix(stack[n-1].path+"/"+path, "/")
			} else {
				path = ""
			}
			stack = append(stack, open{path: path})
		case xml.CharData:
			if n := len(stack); n > 0 {
				stack[n-1].text += string(e)
			}
		case xml.EndElement:
			last := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			text := strings.TrimSpace(last.text)
			if last.inner {
				text = "…"
			}
			if last.path != "" && last.path != "requestId" {
				out[last.path] = append(out[last.path], text)
			}
		}
	}
}

// shapesFixture is an account with what the recorded ones have: nothing has tags but one VPC.
func shapesFixture(t *testing.T) *fixture {
	t.Helper()
	s := startTest(t, "--host-prefix", ownPrefix("h"))
	f := &fixture{t: t, s: s, names: map[string]string{}}
	f.owner = &wire.Signer{Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region, Service: "ec2"}
	c, ctx, n := root(s), t.Context(), f.names
	f.image()
	f.defaults(c, "")
	n["vpc"] = *ok[ec2.CreateVpcOutput](t)(c.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.66.0.0/16")})).Vpc.VpcId
	n["subnet"] = *ok[ec2.CreateSubnetOutput](t)(c.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: aws.String(n["vpc"]), CidrBlock: aws.String("10.66.1.0/24")})).Subnet.SubnetId
	rtb := ok[ec2.CreateRouteTableOutput](t)(c.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: aws.String(n["vpc"])})).RouteTable.RouteTableId
	ok[ec2.AssociateRouteTableOutput](t)(c.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: rtb, SubnetId: aws.String(n["subnet"])}))
	ok[ec2.CreateTagsOutput](t)(c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{n["vpc"]}, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("a")}}}))
	n["sg"] = *ok[ec2.CreateSecurityGroupOutput](t)(c.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("sg"), Description: aws.String("sg"), VpcId: aws.String(n["vpcdefault"])})).GroupId
	port := func(p int32) types.IpPermission {
		return types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: &p, ToPort: &p, IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}
	}
	from := port(83)
	from.IpRanges, from.UserIdGroupPairs = nil, []types.UserIdGroupPair{{GroupId: aws.String(n["sg"])}}
	ok[ec2.AuthorizeSecurityGroupIngressOutput](t)(c.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: aws.String(n["sg"]), IpPermissions: []types.IpPermission{port(82), from}}))
	ok[ec2.CreateKeyPairOutput](t)(c.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String("key"), KeyType: types.KeyTypeEd25519}))
	eip := ok[ec2.AllocateAddressOutput](t)(c.AllocateAddress(ctx, &ec2.AllocateAddressInput{}))
	eni := *ok[ec2.CreateNetworkInterfaceOutput](t)(c.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: aws.String(n["subnetdefault"])})).NetworkInterface.NetworkInterfaceId
	ok[ec2.AssociateAddressOutput](t)(c.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: eip.AllocationId, NetworkInterfaceId: &eni}))
	n["eipalloc"] = *eip.AllocationId
	for _, name := range []string{"running", "gone"} {
		n[name] = *ok[ec2.RunInstancesOutput](t)(c.RunInstances(ctx, &ec2.RunInstancesInput{
			ImageId: aws.String(n["image"]), InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})).Instances[0].InstanceId
	}
	t.Cleanup(func() {
		if s.Running() {
			f.endAll(c)
		}
	})
	f.await(c, map[string]types.InstanceStateName{"running": "running", "gone": "running"})
	ok[ec2.TerminateInstancesOutput](t)(c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{n["gone"]}}))
	f.await(c, map[string]types.InstanceStateName{"gone": "terminated"})
	n["attached"] = *ok[ec2.DescribeInstancesOutput](t)(c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{n["running"]}})).Reservations[0].Instances[0].NetworkInterfaces[0].NetworkInterfaceId
	if err := ec2.NewInstanceStatusOkWaiter(c).Wait(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{n["running"]}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	return f
}
