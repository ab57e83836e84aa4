package keypair_test

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/crypto/ssh"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/keypair"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local/localtest"
)

const account = "123456789012"

func open(t *testing.T) (kv.Store, *keypair.Service) {
	t.Helper()
	s := localtest.Open(t, vfs.NewMem())
	return s, keypair.NewService(s)
}

func TestCreate(t *testing.T) {
	store, svc := open(t)
	for _, kind := range []string{keypair.RSA, keypair.ED25519} {
		p, private, err := svc.Create(t.Context(), account, kind+" key", kind, keypair.PEM, tags.Set{{Key: "a", Value: "b"}})
		if err != nil {
			t.Fatal(err)
		}
		signer, err := ssh.ParsePrivateKey([]byte(private))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		public, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(p.PublicKey))
		if err != nil || string(public.Marshal()) != string(signer.PublicKey().Marshal()) || comment != kind+" key" {
			t.Errorf("%s: the halves do not belong together: %v", kind, err)
		}
		want := strings.TrimPrefix(ssh.FingerprintSHA256(public), "SHA256:") + "="
		if kind == keypair.RSA {
			raw, err := ssh.ParseRawPrivateKey([]byte(private))
			if err != nil {
				t.Fatal(err)
			}
			der, err := x509.MarshalPKCS8PrivateKey(raw.(*rsa.PrivateKey))
			if err != nil {
				t.Fatal(err)
			}
			want = strings.ReplaceAll(fmt.Sprintf("% x", sha1.Sum(der)), " ", ":")
		}
		if p.Fingerprint != want {
			t.Errorf("%s: fingerprint %s, want %s", kind, p.Fingerprint, want)
		}
		if _, ppk, err := svc.Create(t.Context(), account, kind+" ppk", kind, keypair.PPK, nil); err != nil ||
			!strings.HasPrefix(ppk, "PuTTY-User-Key-File-3: ssh-") || !strings.Contains(ppk, "\r\nPrivate-MAC: ") {
			t.Errorf("%s: %v %s", kind, err, ppk)
		}
		v, err := store.View(t.Context(), kv.Control)
		if err != nil {
			t.Fatal(err)
		}
		byName, err1 := keypair.Get(v, account, kind+" key")
		byID, err2 := keypair.GetByID(v, account, p.ID)
		v.Close()
		if err1 != nil || err2 != nil || byName != p || byID != p {
			t.Errorf("%s: %v %v %+v", kind, err1, err2, byName)
		}
	}
	all, err := svc.List(t.Context(), account)
	if err != nil || len(all) != 4 || len(all[0].Tags) != 1 {
		t.Errorf("%v %v", all, err)
	}
	if _, _, err := svc.Create(t.Context(), account, "rsa key", keypair.RSA, keypair.PEM, nil); errs.ReasonOf(err) != keypair.Duplicate {
		t.Errorf("again: %v", err)
	}
	if _, removed, err := svc.Delete(t.Context(), account, "rsa key", ""); !removed || err != nil {
		t.Errorf("delete: %v %v", removed, err)
	}
	if _, removed, err := svc.Delete(t.Context(), account, "rsa key", ""); removed || err != nil {
		t.Errorf("delete again: %v %v", removed, err)
	}
	if _, removed, err := svc.Delete(t.Context(), account, "", all[0].ID); !removed || err != nil {
		t.Errorf("delete by id: %v %v", removed, err)
	}
	if all, err := svc.List(t.Context(), account); err != nil || len(all) != 2 {
		t.Errorf("left: %v %v", all, err)
	}
}

func TestImport(t *testing.T) {
	_, svc := open(t)
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	block, _ := pem.Decode(read("rsa.pem"))
	// The fingerprints are what openssl md5 and ssh-keygen -l print.
	const ofRSA, ofED25519 = "61:a0:0f:fe:52:1e:7d:f4:c5:d2:fa:84:e9:b1:99:5d", "hgk12EBnZqyCzlNzCyiGgSdBYtzeNKz0B5ZrTuMBtQQ="
	for name, tc := range map[string]struct {
		material []byte
		want     string
	}{
		"OpenSSH":        {read("rsa.openssh"), ofRSA},
		"RFC 4716":       {read("rsa.rfc4716"), ofRSA},
		"PEM":            {read("rsa.pem"), ofRSA},
		"DER":            {block.Bytes, ofRSA},
		"DER in base64":  {[]byte(base64.StdEncoding.EncodeToString(block.Bytes)), ofRSA},
		"ED25519":        {read("ed25519.openssh"), ofED25519},
		"no line's end":  {[]byte(strings.TrimSpace(string(read("ed25519.openssh")))), ofED25519},
		"without a name": {[]byte(strings.TrimSuffix(strings.TrimSpace(string(read("ed25519.openssh"))), " test")), ofED25519},
	} {
		p, err := svc.Import(t.Context(), account, name, tc.material, nil)
		if err != nil || p.Fingerprint != tc.want {
			t.Errorf("%s: %v %+v", name, err, p)
			continue
		}
		if _, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(p.PublicKey)); err != nil || comment != name {
			t.Errorf("%s: %q: %v", name, p.PublicKey, err)
		}
	}
	for name, material := range map[string]string{
		"empty": "", "text": "hello", "DSA": "ssh-dss AAAAB3NzaC1kc3M=", "cut": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCujC5",
		"two lines": "ssh-rsa AAAA\nssh-rsa AAAA", "RFC 4716 without end": "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA",
		"PEM of nothing": "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", "large": "ssh-rsa " + strings.Repeat("A", 70000),
	} {
		if _, err := svc.Import(t.Context(), account, "bad "+name, []byte(material), nil); errs.ReasonOf(err) != keypair.BadFormat {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", strings.Repeat("x", 256), "é", "a\nb"} {
		if _, err := svc.Import(t.Context(), account, name, read("rsa.openssh"), nil); errs.ReasonOf(err) != keypair.BadValue {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"rsa.openssh", "rsa.rfc4716", "rsa.pem", "ed25519.openssh"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := keypair.ParsePublicLine(data, "x"); err == nil {
			if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(p)); err != nil {
				t.Fatalf("%q became %q: %v", data, p, err)
			}
		}
	})
}
