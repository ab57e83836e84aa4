package query_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
	"github.com/aureole-cloud/aureole/ec2api/query"
)

func decode[T any, P interface {
	*T
	DecodeQuery(*query.Decoder, *query.Node)
}](rawQuery, body string) (*T, error) {
	f, err := query.Parse(rawQuery, body)
	if err != nil {
		return nil, err
	}
	v := new(T)
	d := query.NewDecoder(f)
	P(v).DecodeQuery(d, d.Root())
	return v, d.Err()
}

func code(err error) string {
	var e *ec2err.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestDecodeRunInstances(t *testing.T) {
	// In no order, with numbers that skip and begin late, in the query and in the body.
	in, err := decode[model.RunInstancesRequest](
		"Action=RunInstances&Version=2016-11-15&MinCount=1&SecurityGroupId.10=sg-b&SecurityGroupId.9=sg-a&X-Amz-Date=x&AWSAccessKeyId=x",
		"NetworkInterface.3.PrivateIpAddresses.2.Primary=true&NetworkInterface.3.PrivateIpAddresses.2.PrivateIpAddress=10.0.0.5&"+
			"MaxCount=2&NetworkInterface.3.DeviceIndex=0&NetworkInterface.3.SecurityGroupId.1=sg-c&UserData=aGk%3D&"+
			"BlockDeviceMapping.1.Ebs.VolumeSize=8&BlockDeviceMapping.1.Ebs.DeleteOnTermination=FALSE&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1&"+
			"TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=a+b%20c&ImageId=ami-1&SecurityGroup=")
	if err != nil {
		t.Fatal(err)
	}
	nic := in.NetworkInterfaces[0]
	got := fmt.Sprintln(*in.MinCount, *in.MaxCount, in.SecurityGroupIds, *nic.DeviceIndex, nic.Groups, *nic.PrivateIpAddresses[0].Primary,
		*in.BlockDeviceMappings[0].Ebs.VolumeSize, *in.BlockDeviceMappings[0].Ebs.DeleteOnTermination, *in.BlockDeviceMappings[0].DeviceName,
		*in.TagSpecifications[0].Tags[0].Value, in.SecurityGroups, *in.UserData)
	if want := "1 2 [sg-a sg-b] 0 [sg-c] true 8 false /dev/sda1 a b c [] aGk=\n"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDecodeForms(t *testing.T) {
	key, err := decode[model.ImportKeyPairRequest]("", "KeyName=k&PublicKeyMaterial=c3NoLXJzYSBB%0D%0AQUFB")
	if err != nil || string(key.PublicKeyMaterial) != "ssh-rsa AAAA" {
		t.Errorf("blob: %q %v", key.PublicKeyMaterial, err)
	}
	for _, at := range []string{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z", "2026-01-02T04:04:05%2B01:00", "2026-01-02T03:04:05"} {
		in, err := decode[model.EnableImageDeprecationRequest]("", "ImageId=ami-1&DeprecateAt="+at)
		if err != nil || in.DeprecateAt.Format("2006-01-02 15:04:05") != "2026-01-02 03:04:05" {
			t.Errorf("time %s: %v %v", at, in.DeprecateAt, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	long := strings.Repeat("A.", query.MaxDepth) + "A"
	var many strings.Builder
	for i := range query.MaxParams + 1 {
		fmt.Fprintf(&many, "VpcId.%d=x&", i)
	}
	for _, tc := range []struct{ name, form, code, message string }{
		{"missing", "MaxCount=1", "MissingParameter", "The request must contain the parameter MinCount"},
		{"missing because empty", "MinCount=1&MaxCount=1&BlockDeviceMapping.1.Ebs.VolumeSize=x", "InvalidParameterValue", "blockDeviceMapping.1.Ebs.VolumeSize"},
		{"unknown", "MinCount=1&MaxCount=1&Colour=red", "UnknownParameter", "The parameter Colour is not recognized"},
		{"unknown below", "MinCount=1&MaxCount=1&Placement.Colour=red", "UnknownParameter", "Placement.Colour"},
		{"scalar with members", "MinCount=1&MaxCount=1&ImageId.1=x", "UnknownParameter", "ImageId.1"},
		{"list without number", "MinCount=1&MaxCount=1&SecurityGroupId=sg-1", "UnknownParameter", "SecurityGroupId"},
		{"list with a name", "MinCount=1&MaxCount=1&SecurityGroupId.a=sg-1", "UnknownParameter", "SecurityGroupId.a"},
		{"other spelling", "mincount=1&MaxCount=1", "MissingParameter", "MinCount"},
		{"no integer", "MinCount=one&MaxCount=1", "InvalidParameterValue", "Value (one) for parameter minCount is invalid"},
		{"integer too large", "MinCount=4294967297&MaxCount=1", "InvalidParameterValue", "minCount"},
		{"no boolean", "MinCount=1&MaxCount=1&EbsOptimized=yes", "InvalidParameterValue", "ebsOptimized"},
		{"no value of the enumeration", "MinCount=1&MaxCount=1&InstanceInitiatedShutdownBehavior=explode", "InvalidParameterValue", "Value (explode) for parameter instanceInitiatedShutdownBehavior is invalid"},
		{"not UTF-8", "MinCount=1&MaxCount=1&KeyName=%ff", "InvalidParameterValue", "KeyName"},
		{"bad escape", "MinCount=1&MaxCount=1&KeyName=%f", "MalformedQueryString", "KeyName"},
		{"bad escape in a name", "M%inCount=1", "MalformedQueryString", ""},
		{"twice", "MinCount=1&MinCount=2", "MalformedQueryString", "MinCount"},
		{"empty part", "MinCount=1&MaxCount=1&A..B=1", "MalformedQueryString", ""},
		{"no name", "=1", "MalformedQueryString", ""},
		{"too deep", long + "=1", "MalformedQueryString", ""},
		{"long name", strings.Repeat("A", query.MaxName+1) + "=1", "MalformedQueryString", ""},
		{"two actions", "Action=A&Action=B", "MalformedQueryString", ""},
		{"too many", many.String(), "MalformedQueryString", ""},
	} {
		_, err := decode[model.RunInstancesRequest]("", tc.form)
		if code(err) != tc.code || err != nil && !strings.Contains(err.Error(), tc.message) {
			t.Errorf("%s: %v, want %s %s", tc.name, err, tc.code, tc.message)
		}
	}
	for _, tc := range []struct{ form, message string }{
		{"MaxResults=4", "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5."},
		{"MaxResults=1001", "Expecting a value less than 1000."},
	} {
		if _, err := decode[model.DescribeVpcsRequest]("", tc.form); code(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), tc.message) {
			t.Errorf("%s: %v", tc.form, err)
		}
	}
	if _, err := decode[model.ImportKeyPairRequest]("", "KeyName=k&PublicKeyMaterial=*"); code(err) != "InvalidParameterValue" {
		t.Errorf("base64: %v", err)
	}
	if _, err := decode[model.EnableImageDeprecationRequest]("", "ImageId=ami-1&DeprecateAt=tomorrow"); code(err) != "InvalidParameterValue" {
		t.Errorf("time: %v", err)
	}
}

func TestHash(t *testing.T) {
	hash := func(s string) [32]byte {
		f, err := query.Parse("", s)
		if err != nil {
			t.Fatal(err)
		}
		return f.Hash()
	}
	a := hash("Action=A&X.1=1&Y=2&ClientToken=t&Version=2016-11-15")
	if a != hash("Y=2&Action=A&X.1=1&ClientToken=u&DryRun=false&Timestamp=now") {
		t.Error("order, token and signature must not count")
	}
	for _, other := range []string{"Action=B&X.1=1&Y=2", "Action=A&X.1=1&Y=3", "Action=A&X.1=1", "Action=A&X.1=1Y&=2"} {
		if f, err := query.Parse("", other); err == nil && f.Hash() == a {
			t.Errorf("%s has the same hash", other)
		}
	}
}

// FuzzDecode: whatever comes, the decoder ends with an error of the protocol or with a value.
func FuzzDecode(f *testing.F) {
	f.Add("MinCount=1&MaxCount=2&SecurityGroupId.1=a&Filter.1.Name=x&Filter.1.Value.1=y")
	f.Add("IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0%2F0&GroupId=sg-1&IpPermissions.1.Groups.2.GroupId=sg-2")
	f.Add("A.B.C.D.E.F.G=1&A.B=2&%00=1&=&&&=")
	f.Fuzz(func(t *testing.T, s string) {
		for _, err := range []error{
			second(decode[model.RunInstancesRequest](s, "")), second(decode[model.AuthorizeSecurityGroupIngressRequest]("", s)),
			second(decode[model.DescribeInstancesRequest](s, s)), second(decode[model.ImportImageRequest](s, "")),
		} {
			var e *ec2err.Error
			if err != nil && (!errors.As(err, &e) || e.Status != 400) {
				t.Fatalf("%v", err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func BenchmarkDecode(b *testing.B) {
	v := url.Values{"MinCount": {"1"}, "MaxCount": {"1"}, "ImageId": {"ami-0123"}}
	for i := range 10 {
		v.Set(fmt.Sprintf("TagSpecification.1.Tag.%d.Key", i+1), fmt.Sprint(i))
		v.Set(fmt.Sprintf("TagSpecification.1.Tag.%d.Value", i+1), fmt.Sprint(i))
	}
	v.Set("TagSpecification.1.ResourceType", "instance")
	s := v.Encode()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode[model.RunInstancesRequest]("", s); err != nil {
			b.Fatal(err)
		}
	}
}
