package imds

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	client "github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/smallstep/pkcs7"
)

func instance() *Instance {
	return &Instance{
		ID: "i-0123456789abcdef0", AccountID: "123456789012", ImageID: "ami-1", InstanceType: "t3.micro", Architecture: "x86_64", ReservationID: "r-1",
		Launched: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Hostname: "ip-10-0-0-5.ec2.internal", PublicIP: netip.MustParseAddr("203.0.113.5"),
		PublicHostname: "ec2-203-0-113-5.example", Region: "us-east-1", AvailabilityZone: "us-east-1a", AvailabilityZoneID: "use1-az1",
		Keys: []Key{{"my key", "ssh-ed25519 AAAA me"}, {"second", "ssh-rsa BBBB you"}}, BlockDevices: map[string]string{"ami": "/dev/vda", "root": "/dev/vda"},
		Groups: []string{"default", "web"}, Tags: map[string]string{"Name": "one", "a/b": "not a step"}, UserData: []byte("#!/bin/sh\x00\xff"),
		Role: &Role{Name: "role-1", ProfileARN: "arn:aws:iam::123456789012:instance-profile/p", ProfileID: "AIPA",
			Credentials: func(context.Context) (Credentials, error) {
				return Credentials{AccessKeyID: "ASIA", SecretAccessKey: "secret", Token: "token", Expiration: time.Now().Add(time.Hour)}, nil
			}},
		Interfaces: []Interface{{ID: "eni-1", MAC: "02:00:00:00:00:01", OwnerID: "123456789012", LocalIPs: []netip.Addr{netip.MustParseAddr("10.0.0.5")},
			PublicIPs: map[netip.Addr]netip.Addr{netip.MustParseAddr("203.0.113.5"): netip.MustParseAddr("10.0.0.5")}, GroupIDs: []string{"sg-1"},
			GroupNames: []string{"default"}, SubnetID: "subnet-1", SubnetCIDR: netip.MustParsePrefix("10.0.0.0/24"), VPCID: "vpc-1",
			VPCCIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}},
	}
}

// start serves an instance on loopback.
func start(t testing.TB, inst *Instance, id *Identity) string {
	t.Helper()
	return startWith(t, inst, id, func(context.Context) error { return nil })
}

// startWith serves an instance that it takes find to find.
func startWith(t testing.TB, inst *Instance, id *Identity, find func(context.Context) error) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Network: "vpc-1", Identity: id, TokenKey: NewTokenKey(), Log: slog.New(slog.DiscardHandler),
		Who: func(a netip.Addr) (string, bool) { return "eni-1", a == netip.MustParseAddr("127.0.0.1") },
		Source: func(ctx context.Context, network, iface string) (*Instance, error) {
			if err := find(ctx); err != nil {
				return nil, err
			}
			if inst == nil {
				return nil, ErrNotFound
			}
			if network != "vpc-1" || iface != "eni-1" {
				return nil, errors.New("asked for another")
			}
			return inst, nil
		}})
	ended := make(chan error)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

type reply struct {
	status int
	body   string
	header http.Header
}

func do(t testing.TB, method, url string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k := 0; k < len(headers); k += 2 {
		r.Header.Set(headers[k], headers[k+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, string(b), resp.Header}
}

func TestTokens(t *testing.T) {
	inst := instance()
	inst.TokenRequired = true
	at := start(t, inst, nil)
	path := at + "/latest/meta-data/instance-id"
	put := func(headers ...string) reply { return do(t, "PUT", at+"/latest/api/token", headers...) }
	if r := do(t, "GET", path); r.status != 401 || !strings.Contains(r.body, "401 - Unauthorized") {
		t.Errorf("without a token: %d %s", r.status, r.body)
	}
	for _, ttl := range []string{"", "0", "-1", "21601", "x", "1.5"} {
		if r := put(ttlHeader, ttl); r.status != 400 {
			t.Errorf("TTL %q: %d", ttl, r.status)
		}
	}
	if r := put(); r.status != 400 {
		t.Errorf("no TTL: %d", r.status)
	}
	if r := put(ttlHeader, "60", "X-Forwarded-For", "10.0.0.9"); r.status != 403 {
		t.Errorf("forwarded: %d", r.status)
	}
	if r := do(t, "POST", at+"/latest/api/token", ttlHeader, "60"); r.status != 405 {
		t.Errorf("POST: %d", r.status)
	}
	if r := do(t, "PUT", at+"/latest/meta-data/instance-id", ttlHeader, "60"); r.status != 405 {
		t.Errorf("PUT elsewhere: %d", r.status)
	}
	r := put(ttlHeader, "60")
	if r.status != 200 || r.header.Get(ttlHeader) != "60" || len(r.body) != 56 {
		t.Fatalf("token: %+v", r)
	}
	if g := do(t, "GET", path, tokenHeader, r.body); g.status != 200 || g.body != inst.ID || g.header.Get("Server") != "EC2ws" {
		t.Errorf("with a token: %+v", g)
	}
	for _, bad := range []string{"", "x", r.body[:55], "AAAA" + r.body[4:], base64.URLEncoding.EncodeToString(make([]byte, 40))} {
		if g := do(t, "GET", path, tokenHeader, bad); g.status != 401 {
			t.Errorf("token %q: %d", bad, g.status)
		}
	}
	// A token is its instance's, and ends.
	key := NewTokenKey()
	now := time.Now()
	tok := newToken(key, "i-1", now.Add(time.Second))
	valid := func(key []byte, instance string, at time.Time) bool {
		_, ok := tokenEnd(key, instance, tok, at)
		return ok
	}
	if !valid(key, "i-1", now) || valid(key, "i-2", now) || valid(key, "i-1", now.Add(2*time.Second)) || valid(NewTokenKey(), "i-1", now) {
		t.Error("the token holds where it should not, or the other way round")
	}
	// Without the requirement both ways work, but a wrong token is still wrong.
	inst.TokenRequired = false
	if g := do(t, "GET", path); g.status != 200 {
		t.Errorf("version 1: %d", g.status)
	}
	if g := do(t, "GET", path, tokenHeader, "x"); g.status != 401 {
		t.Errorf("version 1 with a wrong token: %d", g.status)
	}
	inst.Disabled = true
	if r := put(ttlHeader, "60"); r.status != 403 {
		t.Errorf("disabled: %d", r.status)
	}
	if g := do(t, "GET", path); g.status != 403 {
		t.Errorf("disabled: %d", g.status)
	}
}

// crawl reads a folder and all below it as cloud-init does: whatever is listed must answer.
func crawl(t *testing.T, at, path string, found map[string]string) {
	t.Helper()
	r := do(t, "GET", at+path)
	if r.status != 200 {
		t.Errorf("%s: %d", path, r.status)
		return
	}
	for _, name := range strings.Split(r.body, "\n") {
		if key, _, ok := strings.Cut(name, "="); ok && strings.HasSuffix(path, "public-keys/") {
			name = key + "/openssh-key"
		}
		if strings.HasSuffix(name, "/") {
			crawl(t, at, path+name, found)
			continue
		}
		leaf := do(t, "GET", at+path+name)
		if leaf.status != 200 {
			t.Errorf("%s is listed and answers %d", path+name, leaf.status)
		}
		found[path+name] = leaf.body
	}
}

func TestTree(t *testing.T) {
	id, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	inst := instance()
	at := start(t, inst, id)
	for path, want := range map[string]string{
		"/": "1.0\n", "/latest": "dynamic\nmeta-data\nuser-data", "/latest/": "dynamic\nmeta-data\nuser-data", "/2021-03-23/meta-data/instance-id": inst.ID,
		"/2199-01-01/meta-data/instance-id": inst.ID, "/latest/meta-data/public-keys/": "0=my key\n1=second", "/latest/meta-data/public-keys/0": "openssh-key",
		"/latest/meta-data/public-keys/1/openssh-key": "ssh-rsa BBBB you", "/latest/meta-data/security-groups": "default\nweb",
		"/latest/meta-data/network/interfaces/macs/": "02:00:00:00:00:01/", "//latest//meta-data///local-ipv4": "10.0.0.5",
		"/latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/ipv4-associations/203.0.113.5": "10.0.0.5",
		"/latest/user-data": "#!/bin/sh\x00\xff", "/latest/meta-data/iam/security-credentials/": "role-1",
	} {
		if r := do(t, "GET", at+path); r.status != 200 || !strings.HasPrefix(r.body, want) {
			t.Errorf("%s: %d %q", path, r.status, r.body)
		}
	}
	for _, path := range []string{"/latest/meta-data/nothing", "/yesterday/meta-data/", "/latest/meta-data/tags/", "/latest/meta-data/instance-id/x",
		"/latest/api/", "/latest/meta-data/" + strings.Repeat("x", 3000), "/2021-13-99/"} {
		if r := do(t, "GET", at+path); r.status != 404 {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	found := map[string]string{}
	crawl(t, at, "/2021-03-23/meta-data/", found)
	crawl(t, at, "/2021-03-23/dynamic/", found)
	if len(found) < 40 {
		t.Errorf("only %d leaves", len(found))
	}
	inst.TagsEnabled, inst.UserData = true, nil
	if r := do(t, "GET", at+"/latest/meta-data/tags/instance/"); r.body != "Name" {
		t.Errorf("tags: %q", r.body)
	}
	if r := do(t, "GET", at+"/latest/user-data"); r.status != 404 {
		t.Errorf("no user data: %d", r.status)
	}
	if r := do(t, "HEAD", at+"/latest/meta-data/instance-id"); r.status != 200 || r.body != "" {
		t.Errorf("HEAD: %+v", r)
	}

	document := found["/2021-03-23/dynamic/instance-identity/document"]
	der, err := base64.StdEncoding.DecodeString(found["/2021-03-23/dynamic/instance-identity/pkcs7"])
	if err != nil {
		t.Fatal(err)
	}
	p7, err := pkcs7.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := p7.Verify(); err != nil || string(p7.Content) != document || !p7.GetOnlySigner().Equal(id.Certificate) {
		t.Errorf("the signed document does not verify: %v", err)
	}
}

func TestNobodysAddress(t *testing.T) {
	at := start(t, nil, nil)
	if r := do(t, "GET", at+"/latest/meta-data/"); r.status != 404 {
		t.Errorf("no instance: %d", r.status)
	}
}

// A guest that closes its half of the connection after its request waits for the answer: nc does, when its input ends.
func TestHalfClosed(t *testing.T) {
	at := startWith(t, instance(), nil, func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond): // the server hears of the end of the request meanwhile
			return nil
		}
	})
	c, err := net.Dial("tcp4", strings.TrimPrefix(at, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "PUT /latest/api/token HTTP/1.1\r\nHost: x\r\n"+ttlHeader+": 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 ") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestIdentityIsKept(t *testing.T) {
	id, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	b, err := id.PEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseIdentity(b)
	if err != nil || !again.Key.Equal(id.Key) || !again.Certificate.Equal(id.Certificate) {
		t.Errorf("read back: %v", err)
	}
	if _, err := ParseIdentity(b[:100]); err == nil {
		t.Error("half an identity is read")
	}
}

func TestAWSClient(t *testing.T) {
	inst := instance()
	inst.TokenRequired = true
	c := client.New(client.Options{Endpoint: start(t, inst, nil)})
	doc, err := c.GetInstanceIdentityDocument(t.Context(), nil)
	if err != nil || doc.InstanceID != inst.ID || doc.PrivateIP != "10.0.0.5" || doc.Region != "us-east-1" || !doc.PendingTime.Equal(inst.Launched.Truncate(time.Second)) {
		t.Errorf("document: %+v %v", doc, err)
	}
	if r, err := c.GetRegion(t.Context(), nil); err != nil || r.Region != "us-east-1" {
		t.Errorf("region: %v %v", r, err)
	}
	if i, err := c.GetIAMInfo(t.Context(), nil); err != nil || i.InstanceProfileID != "AIPA" {
		t.Errorf("IAM info: %v %v", i, err)
	}
	u, err := c.GetUserData(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(u.Content); err != nil || string(b) != string(inst.UserData) {
		t.Errorf("user data: %q %v", b, err)
	}
}

func FuzzToken(f *testing.F) {
	key := NewTokenKey()
	f.Add("")
	f.Add(newToken(key, "i-2", time.Now().Add(time.Hour)))
	f.Fuzz(func(t *testing.T, s string) {
		if _, ok := tokenEnd(key, "i-1", s, time.Now()); ok {
			t.Errorf("%q holds", s)
		}
	})
}
