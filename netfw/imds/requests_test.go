package imds

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// What is asked and answered, as the pages "Instance metadata categories" and "Use the Instance Metadata Service" of the EC2
// user guide have it, and where they say nothing, as recorded by others from the service: headers and methods of the token's
// path (Allow: OPTIONS, PUT), values with a slash at the end, JSON with a space before its colons, cloud-init's test data.
func TestRequests(t *testing.T) {
	id, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	full, bare := instance(), &Instance{ID: "i-00000000000000001", InstanceType: "t3.nano"}
	full.TagsEnabled, full.Tags = true, map[string]string{"Name": "one", "a/b": "no step", "with space": "", "_index": "", "..": "", "empty": ""}
	full.PlacementGroup, full.Partition, full.HostID, full.ProductCodes = "group-1", 3, "h-1", []string{"code1", "code2"}
	full.KernelID, full.RamdiskID = "aki-1", "ari-1"
	i := &full.Interfaces[0]
	i.IPv6s, i.SubnetIPv6, i.VPCIPv6 = []netip.Addr{netip.MustParseAddr("fd00::5")}, []netip.Prefix{netip.MustParsePrefix("fd00::/64")}, []netip.Prefix{netip.MustParsePrefix("fd00::/56")}
	i.LocalHostname, i.PublicHostname = full.Hostname, full.PublicHostname
	required := *bare
	required.TokenRequired = true
	off := *bare
	off.Disabled = true
	at := map[*Instance]string{full: start(t, full, id), bare: start(t, bare, nil), &required: start(t, &required, nil), &off: start(t, &off, nil)}
	token := func(inst *Instance) string {
		return do(t, "PUT", at[inst]+"/latest/api/token", ttlHeader, "21600").body
	}
	has, needs := token(full), token(&required)
	const mac = "/latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/"
	type h = []string
	for _, test := range []struct {
		inst    *Instance
		method  string
		path    string
		headers h
		status  int
		body    string // exactly, unless it is "*"
	}{
		// Tokens.
		{full, "PUT", "/latest/api/token", h{ttlHeader, "1"}, 200, "*"},
		{full, "PUT", "/latest/api/token", h{ttlHeader, "21600"}, 200, "*"},
		{full, "PUT", "/latest/api/token/", h{ttlHeader, "60"}, 200, "*"},
		{full, "PUT", "/latest/api/token", nil, 400, "*"},
		{full, "PUT", "/latest/api/token", h{ttlHeader, "0"}, 400, "*"},
		{full, "PUT", "/latest/api/token", h{ttlHeader, "-5"}, 400, "*"},
		{full, "PUT", "/latest/api/token", h{ttlHeader, "21601"}, 400, "*"},
		{full, "PUT", "/latest/api/token", h{ttlHeader, "99999999999999999999"}, 400, "*"},
		{full, "PUT", "/latest/api/token", h{ttlHeader, "six hours"}, 400, "*"},
		{full, "PUT", "/latest/api/token", h{ttlHeader, "60", "X-Forwarded-For", "10.0.0.1"}, 403, "*"},
		{full, "PUT", "/latest/api/token", h{ttlHeader, "60", "X-Forwarded-For", ""}, 403, "*"},
		{full, "GET", "/latest/api/token", nil, 405, ""},
		{full, "HEAD", "/latest/api/token", nil, 405, ""},
		{full, "POST", "/latest/api/token", h{ttlHeader, "60"}, 405, ""},
		{full, "DELETE", "/latest/api/token", nil, 405, ""},
		{full, "OPTIONS", "/latest/api/token", nil, 200, ""},
		{full, "OPTIONS", "/latest/meta-data/", nil, 200, ""},
		{full, "PUT", "/latest/meta-data/instance-id", h{ttlHeader, "60"}, 405, ""},
		{full, "POST", "/latest/meta-data/instance-id", nil, 405, ""},
		{full, "PUT", "/latest/user-data", nil, 405, ""},
		{full, "GET", "/latest/api", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/instance-id", h{tokenHeader, has}, 200, full.ID},
		{full, "GET", "/latest/meta-data/instance-id", nil, 200, full.ID},
		{full, "GET", "/latest/meta-data/instance-id", h{tokenHeader, "nonsense"}, 401, "*"},
		{full, "GET", "/latest/meta-data/instance-id", h{tokenHeader, ""}, 401, "*"},
		{full, "GET", "/latest/meta-data/instance-id", h{tokenHeader, needs}, 401, "*"},
		{full, "GET", "/latest/meta-data/instance-id", h{"X-Forwarded-For", "10.0.0.1"}, 200, full.ID},
		{&required, "GET", "/latest/meta-data/instance-id", nil, 401, "*"},
		{&required, "GET", "/latest/meta-data/nothing", nil, 401, "*"},
		{&required, "GET", "/", nil, 401, "*"},
		{&required, "HEAD", "/latest/", nil, 401, ""},
		{&required, "GET", "/latest/meta-data/instance-id", h{tokenHeader, needs}, 200, required.ID},
		{&required, "GET", "/latest/meta-data/nothing", h{tokenHeader, needs}, 404, "*"},
		{&off, "GET", "/latest/meta-data/instance-id", nil, 403, "*"},
		{&off, "PUT", "/latest/api/token", h{ttlHeader, "60"}, 403, "*"},
		// Folders, with and without a slash at the end; values too.
		{full, "GET", "/", nil, 200, strings.Join(versions(), "\n")},
		{full, "GET", "", nil, 200, strings.Join(versions(), "\n")},
		{full, "GET", "/latest", nil, 200, "dynamic\nmeta-data\nuser-data"},
		{bare, "GET", "/latest/", nil, 200, "dynamic\nmeta-data"},
		{full, "GET", "/1.0/meta-data/instance-id", nil, 200, full.ID},
		{full, "GET", "/2009-04-04/meta-data/instance-id/", nil, 200, full.ID},
		{full, "HEAD", "/latest/meta-data/instance-id", nil, 200, ""},
		{full, "GET", "/2009-13-04/meta-data/instance-id", nil, 404, "*"},
		{full, "GET", "/LATEST/meta-data/instance-id", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/instance-id/more", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/..", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/../../etc/passwd", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/%00", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/instance-id?x=y", nil, 200, full.ID},
		{full, "GET", "/latest/meta-data", nil, 200, "ami-id\nami-launch-index\nami-manifest-path\nblock-device-mapping/\nevents/\nhibernation/\nhostname\niam/\n" +
			"instance-action\ninstance-id\ninstance-life-cycle\ninstance-type\nipv6\nkernel-id\nlocal-hostname\nlocal-ipv4\nmac\nnetwork/\nplacement/\nproduct-codes\nprofile\n" +
			"public-hostname\npublic-ipv4\npublic-keys/\nramdisk-id\nreservation-id\nsecurity-groups\nservices/\ntags/"},
		{bare, "GET", "/latest/meta-data/", nil, 200, "ami-id\nami-launch-index\nami-manifest-path\nevents/\nhibernation/\ninstance-action\ninstance-id\n" +
			"instance-life-cycle\ninstance-type\nprofile\nservices/"},
		// Categories.
		{full, "GET", "/latest/meta-data/ami-id", nil, 200, "ami-1"},
		{full, "GET", "/latest/meta-data/ami-launch-index", nil, 200, "0"},
		{full, "GET", "/latest/meta-data/ami-manifest-path", nil, 200, "(unknown)"},
		{full, "GET", "/latest/meta-data/block-device-mapping/", nil, 200, "ami\nroot"},
		{full, "GET", "/latest/meta-data/block-device-mapping/root", nil, 200, "/dev/vda"},
		{full, "GET", "/latest/meta-data/events/", nil, 200, "maintenance/"},
		{full, "GET", "/latest/meta-data/events/maintenance/", nil, 200, "history\nscheduled"},
		{full, "GET", "/latest/meta-data/events/maintenance/scheduled", nil, 200, "[]"},
		{full, "GET", "/latest/meta-data/events/maintenance/history", nil, 200, "[]"},
		{full, "GET", "/latest/meta-data/events/recommendations/rebalance", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/hibernation/configured", nil, 200, "false"},
		{full, "GET", "/latest/meta-data/hostname", nil, 200, "ip-10-0-0-5.ec2.internal"},
		{full, "GET", "/latest/meta-data/local-hostname", nil, 200, "ip-10-0-0-5.ec2.internal"},
		{full, "GET", "/latest/meta-data/local-ipv4", nil, 200, "10.0.0.5"},
		{full, "GET", "/latest/meta-data/ipv6", nil, 200, "fd00::5"},
		{full, "GET", "/latest/meta-data/mac", nil, 200, "02:00:00:00:00:01"},
		{full, "GET", "/latest/meta-data/iam/", nil, 200, "info\nsecurity-credentials/"},
		{full, "GET", "/latest/meta-data/iam/info", nil, 200, "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"2026-01-02T03:04:05Z\",\n" +
			"  \"InstanceProfileArn\" : \"arn:aws:iam::123456789012:instance-profile/p\",\n  \"InstanceProfileId\" : \"AIPA\"\n}"},
		{full, "GET", "/latest/meta-data/iam/security-credentials", nil, 200, "role-1"},
		{full, "GET", "/latest/meta-data/iam/security-credentials/role-1", nil, 200, "*"},
		{full, "GET", "/latest/meta-data/iam/security-credentials/role-2", nil, 404, "*"},
		{bare, "GET", "/latest/meta-data/iam/info", nil, 404, "*"},
		{bare, "GET", "/latest/meta-data/iam/security-credentials/", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/instance-action", nil, 200, "none"},
		{full, "GET", "/latest/meta-data/instance-life-cycle", nil, 200, "on-demand"},
		{full, "GET", "/latest/meta-data/instance-type", nil, 200, "t3.micro"},
		{full, "GET", "/latest/meta-data/kernel-id", nil, 200, "aki-1"},
		{full, "GET", "/latest/meta-data/ramdisk-id", nil, 200, "ari-1"},
		{full, "GET", mac, nil, 200, "device-number\ninterface-id\nipv4-associations/\nipv6s\nlocal-hostname\nlocal-ipv4s\nmac\nnetwork-card\nowner-id\npublic-hostname\n" +
			"public-ipv4s\nsecurity-group-ids\nsecurity-groups\nsubnet-id\nsubnet-ipv4-cidr-block\nsubnet-ipv6-cidr-blocks\nvpc-id\nvpc-ipv4-cidr-block\nvpc-ipv4-cidr-blocks\nvpc-ipv6-cidr-blocks"},
		{full, "GET", mac + "device-number", nil, 200, "0"},
		{full, "GET", mac + "interface-id", nil, 200, "eni-1"},
		{full, "GET", mac + "ipv4-associations/", nil, 200, "203.0.113.5"},
		{full, "GET", mac + "ipv4-associations/203.0.113.5", nil, 200, "10.0.0.5"},
		{full, "GET", mac + "ipv6s", nil, 200, "fd00::5"},
		{full, "GET", mac + "local-ipv4s", nil, 200, "10.0.0.5"},
		{full, "GET", mac + "network-card", nil, 200, "0"},
		{full, "GET", mac + "owner-id", nil, 200, "123456789012"},
		{full, "GET", mac + "public-ipv4s", nil, 200, "203.0.113.5"},
		{full, "GET", mac + "security-group-ids", nil, 200, "sg-1"},
		{full, "GET", mac + "security-groups", nil, 200, "default"},
		{full, "GET", mac + "subnet-id", nil, 200, "subnet-1"},
		{full, "GET", mac + "subnet-ipv4-cidr-block", nil, 200, "10.0.0.0/24"},
		{full, "GET", mac + "subnet-ipv6-cidr-blocks", nil, 200, "fd00::/64"},
		{full, "GET", mac + "vpc-id", nil, 200, "vpc-1"},
		{full, "GET", mac + "vpc-ipv4-cidr-blocks", nil, 200, "10.0.0.0/16"},
		{full, "GET", mac + "vpc-ipv6-cidr-blocks", nil, 200, "fd00::/56"},
		{full, "GET", "/latest/meta-data/network/interfaces/macs/02:00:00:00:00:02/", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/placement/", nil, 200, "availability-zone\navailability-zone-id\ngroup-name\nhost-id\npartition-number\nregion"},
		{full, "GET", "/latest/meta-data/placement/availability-zone/", nil, 200, "us-east-1a"},
		{full, "GET", "/latest/meta-data/placement/availability-zone-id", nil, 200, "use1-az1"},
		{full, "GET", "/latest/meta-data/placement/partition-number", nil, 200, "3"},
		{full, "GET", "/latest/meta-data/placement/region", nil, 200, "us-east-1"},
		{bare, "GET", "/latest/meta-data/placement/group-name", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/product-codes", nil, 200, "code1\ncode2"},
		{full, "GET", "/latest/meta-data/profile", nil, 200, "default-hvm"},
		{full, "GET", "/latest/meta-data/public-hostname", nil, 200, "ec2-203-0-113-5.example"},
		{full, "GET", "/latest/meta-data/public-ipv4", nil, 200, "203.0.113.5"},
		{bare, "GET", "/latest/meta-data/public-ipv4", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/public-keys", nil, 200, "0=my key\n1=second"},
		{full, "GET", "/latest/meta-data/public-keys/0/", nil, 200, "openssh-key"},
		{full, "GET", "/latest/meta-data/public-keys/0/openssh-key", nil, 200, "ssh-ed25519 AAAA me"},
		{full, "GET", "/latest/meta-data/public-keys/2/openssh-key", nil, 404, "*"},
		{bare, "GET", "/latest/meta-data/public-keys/", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/reservation-id", nil, 200, "r-1"},
		{full, "GET", "/latest/meta-data/security-groups", nil, 200, "default\nweb"},
		{full, "GET", "/latest/meta-data/services/", nil, 200, "domain\npartition"},
		{full, "GET", "/latest/meta-data/services/domain", nil, 200, "amazonaws.com"},
		{full, "GET", "/latest/meta-data/services/partition", nil, 200, "aws"},
		{full, "GET", "/latest/meta-data/spot/instance-action", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/spot/termination-time", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/autoscaling/target-lifecycle-state", nil, 404, "*"},
		{full, "GET", "/latest/meta-data/tags/", nil, 200, "instance/"},
		{full, "GET", "/latest/meta-data/tags/instance", nil, 200, "Name\nempty"},
		{full, "GET", "/latest/meta-data/tags/instance/Name", nil, 200, "one"},
		{full, "GET", "/latest/meta-data/tags/instance/empty", nil, 200, ""},
		{bare, "GET", "/latest/meta-data/tags/instance", nil, 404, "*"},
		{full, "GET", "/latest/dynamic/", nil, 200, "fws/\ninstance-identity/"},
		{full, "GET", "/latest/dynamic/fws/instance-monitoring", nil, 200, "disabled"},
		{full, "GET", "/latest/dynamic/instance-identity/", nil, 200, "document\npkcs7\nrsa2048\nsignature"},
		{bare, "GET", "/latest/dynamic/instance-identity/", nil, 200, "document"},
		{full, "GET", "/latest/dynamic/instance-identity/document", nil, 200, "{\n  \"accountId\" : \"123456789012\",\n  \"architecture\" : \"x86_64\",\n" +
			"  \"availabilityZone\" : \"us-east-1a\",\n  \"billingProducts\" : null,\n  \"devpayProductCodes\" : null,\n  \"marketplaceProductCodes\" : null,\n" +
			"  \"imageId\" : \"ami-1\",\n  \"instanceId\" : \"i-0123456789abcdef0\",\n  \"instanceType\" : \"t3.micro\",\n  \"kernelId\" : \"aki-1\",\n" +
			"  \"pendingTime\" : \"2026-01-02T03:04:05Z\",\n  \"privateIp\" : \"10.0.0.5\",\n  \"ramdiskId\" : \"ari-1\",\n  \"region\" : \"us-east-1\",\n  \"version\" : \"2017-09-30\"\n}"},
		{full, "GET", "/latest/user-data", nil, 200, "#!/bin/sh\x00\xff"},
		{full, "GET", "/latest/user-data/", nil, 200, "#!/bin/sh\x00\xff"},
		{full, "GET", "/latest/user-data", h{"Range", "bytes=0-1"}, 200, "#!/bin/sh\x00\xff"},
		{bare, "GET", "/latest/user-data", nil, 404, "*"},
	} {
		r := do(t, test.method, at[test.inst]+test.path, test.headers...)
		what := fmt.Sprintf("%s %s %q", test.method, test.path, test.headers)
		if r.status != test.status || test.body != "*" && r.body != test.body {
			t.Errorf("%s: %d %q, not %d %q", what, r.status, r.body, test.status, test.body)
		}
		if r.header.Get("Server") != "EC2ws" || r.status == 200 && r.header.Get("Accept-Ranges") != "none" {
			t.Errorf("%s: headers %v", what, r.header)
		}
		if want := map[bool]string{true: "OPTIONS, PUT", false: "OPTIONS, GET, HEAD"}[strings.Contains(test.path, "api/token")]; (r.status == 405 || test.method == "OPTIONS") && r.header.Get("Allow") != want {
			t.Errorf("%s: Allow is %q", what, r.header.Get("Allow"))
		}
		if want := map[int]string{400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}[r.status]; want != "" && test.method != "HEAD" &&
			!strings.Contains(r.body, fmt.Sprintf("<h1>%d - %s</h1>", r.status, want)) {
			t.Errorf("%s: the error is %q", what, r.body)
		}
		if given := len(test.headers) > 0 && test.headers[0] == tokenHeader; given && r.status == 200 && r.header.Get(ttlHeader) < "21000" {
			t.Errorf("%s: the token holds for %q s", what, r.header.Get(ttlHeader))
		}
	}
	// The bare signature is of the document's bytes.
	document := do(t, "GET", at[full]+"/latest/dynamic/instance-identity/document").body
	signature, err := base64.StdEncoding.DecodeString(do(t, "GET", at[full]+"/latest/dynamic/instance-identity/signature").body)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(document))
	if err := rsa.VerifyPKCS1v15(&id.Key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		t.Errorf("the signature: %v", err)
	}
}

// A guest that is slow, or has many connections open, is answered all the same.
func TestSlowGuest(t *testing.T) {
	at := strings.TrimPrefix(start(t, instance(), nil), "http://")
	open := make([]net.Conn, connsPerGuest-1)
	for k := range open {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		open[k] = c
	}
	for k, c := range open {
		if k%16 != 0 {
			continue
		}
		for _, part := range []string{"GET /latest/meta-data/inst", "ance-id HTTP/1.1\r\nHost: 169.254.169.254\r\n", "\r\n"} {
			if _, err := c.Write([]byte(part)); err != nil {
				t.Fatal(err)
			}
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || r.StatusCode != 200 || !r.Close {
			t.Fatalf("connection %d: %v %v", k, r, err)
		}
		_ = r.Body.Close()
	}
}

// FuzzRequest sends whatever a guest may send, and looks that nothing but well-formed answers of its own instance come back.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PUT /latest/api/token HTTP/1.0\r\nX-Aws-Ec2-Metadata-Token-Ttl-Seconds: 60\r\n\r\n",
		"GET /latest/meta-data/public-keys/0/openssh-key HTTP/1.1\r\nHost: x\r\nX-Aws-Ec2-Metadata-Token: AAAA\r\n\r\n",
		"GET http://169.254.169.254/latest/meta-data/tags/instance/Name?a=b#c HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /latest/user-data HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /latest/%2e%2e/%2F/%00/meta-data//network/interfaces/macs HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	inst := instance()
	inst.TagsEnabled, inst.TokenRequired = true, true
	s := New(Config{Network: "vpc-1", TokenKey: NewTokenKey(), Log: slog.New(slog.DiscardHandler),
		Who:    func(netip.Addr) (string, bool) { return "eni-1", true },
		Source: func(context.Context, string, string) (*Instance, error) { return inst, nil }})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return // net/http answers that
		}
		r.RemoteAddr = "10.0.0.5:1234"
		for _, required := range []bool{true, false} {
			inst.TokenRequired = required
			var w recorder
			s.ServeHTTP(&w, r)
			switch {
			case w.status < 200 || w.status >= 500 || w.header.Get("Server") != "EC2ws":
				t.Errorf("%q is answered %d %v", b, w.status, w.header)
			case required && w.status == 200 && r.Method != http.MethodPut && r.Method != http.MethodOptions:
				t.Errorf("%q is answered without a token", b)
			}
		}
	})
}

// recorder is where an answer goes.
type recorder struct {
	status int
	header http.Header
	bytes.Buffer
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.Buffer.Write(b)
}
