package iam_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local/localtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud is a store that survives the service on top of it.
type cloud struct {
	fs  vfs.FS
	key []byte
	log bytes.Buffer
}

func newCloud() *cloud { return &cloud{fs: vfs.NewMem(), key: bytes.Repeat([]byte{7}, iam.KeySize)} }

func (c *cloud) store(t testing.TB) kv.Store { return localtest.Open(t, c.fs) }

func (c *cloud) config(t testing.TB, st kv.Store) iam.Config {
	t.Helper()
	sealer, err := iam.NewSealer(c.key)
	if err != nil {
		t.Fatal(err)
	}
	return iam.Config{Store: st, Sealer: sealer, Logger: slog.New(slog.NewTextHandler(&c.log, nil))}
}

func open(t testing.TB, cfg iam.Config) *iam.Service {
	t.Helper()
	s, err := iam.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func fresh(t testing.TB) *iam.Service {
	c := newCloud()
	return open(t, c.config(t, c.store(t)))
}

func matches(t *testing.T, what, s, pattern string) {
	t.Helper()
	if !regexp.MustCompile("^(?:" + pattern + ")$").MatchString(s) {
		t.Errorf("%s is %q, want %s", what, s, pattern)
	}
}

func TestFirstStartMakesRoot(t *testing.T) {
	ctx := t.Context()
	s := fresh(t)
	id, c := s.Root()
	p := c.Principal
	matches(t, "key id", id, "AKIA[A-Z2-7]{16}")
	matches(t, "secret", c.Secret.Reveal(), "[A-Za-z0-9+/]{40}")
	matches(t, "account", p.AccountID, "[1-9][0-9]{11}")
	matches(t, "canonical id", p.CanonicalID, "[0-9a-f]{64}")
	if !p.Root || p.Anonymous || p.ARN != "arn:aws:iam::"+p.AccountID+":root" || p.AccessKeyID != id {
		t.Errorf("principal %+v", p)
	}
	got, err := s.Secret(ctx, id)
	if err != nil || got.Secret != c.Secret || got.Principal != p {
		t.Errorf("Secret: %+v, %v", got, err)
	}
	a, err := s.AccountByCanonicalID(ctx, p.CanonicalID)
	if err != nil || a.ID != p.AccountID {
		t.Errorf("account %+v, %v", a, err)
	}
}

func TestRootSurvivesRestart(t *testing.T) {
	c := newCloud()
	st := c.store(t)
	s := open(t, c.config(t, st))
	id, was := s.Root()
	u, key, err := s.CreateUser(t.Context(), "alice", iam.CreateUserOptions{Email: "alice@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c.config(t, c.store(t)))
	id2, is := s.Root()
	if id2 != id || is != was {
		t.Errorf("root changed from %v to %v", was, is)
	}
	cred, err := s.Secret(t.Context(), key.ID)
	if err != nil || cred.Secret != key.Secret || cred.Principal.AccountID != u.Account.ID {
		t.Errorf("%+v, %v", cred, err)
	}
}

func TestRootOptions(t *testing.T) {
	c := newCloud()
	st := c.store(t)
	with := func(o iam.RootOptions) (*iam.Service, error) {
		cfg := c.config(t, st)
		cfg.Root = o
		return iam.Open(t.Context(), cfg)
	}
	for name, o := range map[string]iam.RootOptions{
		"key without secret": {AccessKeyID: "AKIDROOT"},
		"secret without key": {Secret: iam.NewSecret("secret-of-root")},
		"short secret":       {AccessKeyID: "AKIDROOT", Secret: iam.NewSecret("short")},
		"bad key":            {AccessKeyID: "AK/ID", Secret: iam.NewSecret("secret-of-root")},
		"bad account":        {AccountID: "12"},
	} {
		if _, err := with(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	first := iam.RootOptions{AccessKeyID: "AKIDROOT", Secret: iam.NewSecret("secret-of-root"), AccountID: "000000000012"}
	s, err := with(first)
	if err != nil {
		t.Fatal(err)
	}
	id, cred := s.Root()
	if id != "AKIDROOT" || cred.Secret != first.Secret || cred.Principal.AccountID != "000000000012" {
		t.Errorf("root %s %+v", id, cred)
	}
	if _, _, err := s.CreateUser(t.Context(), "bob", iam.CreateUserOptions{AccessKeyID: "BOBSKEY", Secret: iam.NewSecret("secret-of-bob")}); err != nil {
		t.Fatal(err)
	}
	s.Close()

	// Another key replaces the first; the account stays.
	s, err = with(iam.RootOptions{AccessKeyID: "OTHER", Secret: iam.NewSecret("another-secret")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secret(t.Context(), "AKIDROOT"); errs.ReasonOf(err) != iam.InvalidAccessKeyID {
		t.Errorf("old key: %v", err)
	}
	if got, err := s.Secret(t.Context(), "OTHER"); err != nil || got.Principal.AccountID != "000000000012" || !got.Principal.Root {
		t.Errorf("new key: %+v, %v", got, err)
	}
	s.Close()
	// The same key with another secret.
	if s, err = with(iam.RootOptions{AccessKeyID: "OTHER", Secret: iam.NewSecret("a-third-secret")}); err != nil {
		t.Fatal(err)
	}
	if _, got := s.Root(); got.Secret.Reveal() != "a-third-secret" {
		t.Error("secret not replaced")
	}
	s.Close()
	if _, err = with(iam.RootOptions{AccountID: "000000000013"}); errs.KindOf(err) != errs.Conflict {
		t.Errorf("another account: %v", err)
	}
	if _, err = with(iam.RootOptions{AccessKeyID: "BOBSKEY", Secret: iam.NewSecret("another-secret")}); errs.ReasonOf(err) != iam.EntityAlreadyExists {
		t.Errorf("a user's key: %v", err)
	}
}

func TestUsers(t *testing.T) {
	ctx := t.Context()
	s := fresh(t)
	rootID, root := s.Root()

	owner, key, err := s.CreateUser(ctx, "tenant", iam.CreateUserOptions{AccessKeyID: "0555b35654ad1656d804", Secret: iam.NewSecret("h7GhxuBLTrlhVUyxSPUKUV8r/2EI4ngqJxD7iBdBYLhwluN30JaT3Q=="),
		DisplayName: "M. Tester", Email: "tester@ceph.com"})
	if err != nil {
		t.Fatal(err)
	}
	if !owner.Owner || owner.Account.ID == root.Principal.AccountID || owner.Account.DisplayName != "M. Tester" || key.ID != "0555b35654ad1656d804" {
		t.Errorf("owner %+v %+v", owner, key)
	}
	cred, err := s.Secret(ctx, key.ID)
	if err != nil || !cred.Principal.Root || cred.Principal.CanonicalID != owner.Account.CanonicalID || cred.Principal.DisplayName != "M. Tester" {
		t.Errorf("%+v, %v", cred, err)
	}

	inside, key2, err := s.CreateUser(ctx, "worker", iam.CreateUserOptions{AccountID: owner.Account.ID})
	if err != nil {
		t.Fatal(err)
	}
	cred, _ = s.Secret(ctx, key2.ID)
	if inside.Owner || cred.Principal.Root || cred.Principal.AccountID != owner.Account.ID || cred.Principal.ARN != "arn:aws:iam::"+owner.Account.ID+":user/worker" {
		t.Errorf("%+v %+v", inside, cred.Principal)
	}
	matches(t, "user id", cred.Principal.UserID, "AIDA[A-Z2-7]{17}")

	for name, tc := range map[string]struct {
		user string
		o    iam.CreateUserOptions
		want errs.Reason
	}{
		"owner's name taken":  {"tenant", iam.CreateUserOptions{}, iam.EntityAlreadyExists},
		"root's name taken":   {"root", iam.CreateUserOptions{}, iam.EntityAlreadyExists},
		"user's name taken":   {"worker", iam.CreateUserOptions{AccountID: owner.Account.ID}, iam.EntityAlreadyExists},
		"key taken":           {"other", iam.CreateUserOptions{AccessKeyID: key.ID, Secret: iam.NewSecret("12345678")}, iam.EntityAlreadyExists},
		"root's key taken":    {"other", iam.CreateUserOptions{AccessKeyID: rootID, Secret: iam.NewSecret("12345678")}, iam.EntityAlreadyExists},
		"empty name":          {"", iam.CreateUserOptions{}, ""},
		"bad name":            {"a b", iam.CreateUserOptions{}, ""},
		"long name":           {strings.Repeat("a", 65), iam.CreateUserOptions{}, ""},
		"key without secret":  {"other", iam.CreateUserOptions{AccessKeyID: "AKIDOTHER"}, ""},
		"name of an account":  {"other", iam.CreateUserOptions{AccountID: owner.Account.ID, Email: "a@b"}, ""},
		"control characters":  {"other", iam.CreateUserOptions{DisplayName: "a\nb"}, ""},
		"account id not such": {"other", iam.CreateUserOptions{AccountID: "12"}, ""},
	} {
		_, _, err := s.CreateUser(ctx, tc.user, tc.o)
		if want := tc.want; err == nil || want != "" && errs.ReasonOf(err) != want || want == "" && errs.ReasonOf(err) != iam.ValidationError {
			t.Errorf("%s: %v", name, err)
		}
	}

	all, err := s.ListUsers(ctx, "")
	if err != nil || len(all) != 3 {
		t.Errorf("%d users, %v", len(all), err)
	}
	if in, err := s.ListUsers(ctx, owner.Account.ID); err != nil || len(in) != 2 || in[0].Name != "tenant" || in[1].Name != "worker" {
		t.Errorf("%+v, %v", in, err)
	}
	if _, err := s.ListUsers(ctx, "999999999999"); errs.ReasonOf(err) != iam.NoSuchEntity {
		t.Errorf("users of no account: %v", err)
	}
	if ks, err := s.ListAccessKeys(ctx, "", "worker"); err != nil || len(ks) != 1 || ks[0].ID != key2.ID || !ks[0].Secret.IsZero() {
		t.Errorf("%+v, %v", ks, err)
	}

	if err := s.DeleteUser(ctx, "", "worker"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secret(ctx, key2.ID); errs.ReasonOf(err) != iam.InvalidAccessKeyID {
		t.Errorf("key of a deleted user: %v", err)
	}
	if err := s.DeleteUser(ctx, "", "worker"); errs.ReasonOf(err) != iam.NoSuchEntity {
		t.Errorf("deleted twice: %v", err)
	}
	if err := s.DeleteUser(ctx, "", "tenant"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Account(ctx, owner.Account.ID); err != nil {
		t.Errorf("account of a deleted owner: %v", err)
	}
	if _, _, err := s.CreateUser(ctx, "tenant", iam.CreateUserOptions{}); err != nil {
		t.Errorf("name of a deleted owner: %v", err)
	}
	if err := s.DeleteUser(ctx, "", "root"); errs.ReasonOf(err) != iam.DeleteConflict {
		t.Errorf("root deleted: %v", err)
	}
}

func TestAccessKeys(t *testing.T) {
	ctx := t.Context()
	s := fresh(t)
	_, first, err := s.CreateUser(ctx, "alice", iam.CreateUserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.CreateAccessKey(ctx, "", "alice", "", iam.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateAccessKey(ctx, "", "alice", "", iam.Secret{}); errs.ReasonOf(err) != iam.LimitExceeded {
		t.Errorf("third key: %v", err)
	}
	if err := s.DeleteAccessKey(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secret(ctx, first.ID); errs.ReasonOf(err) != iam.InvalidAccessKeyID {
		t.Errorf("deleted key: %v", err)
	}
	if c, err := s.Secret(ctx, second.ID); err != nil || c.Secret != second.Secret {
		t.Errorf("%+v, %v", c, err)
	}
	if err := s.DeleteAccessKey(ctx, first.ID); errs.ReasonOf(err) != iam.NoSuchEntity {
		t.Errorf("deleted twice: %v", err)
	}
	root, _ := s.Root()
	if err := s.DeleteAccessKey(ctx, root); errs.ReasonOf(err) != iam.DeleteConflict {
		t.Errorf("root's key: %v", err)
	}
}

// Two services on one store, as two nodes have: what one changes the other sees.
func TestChangesAreFollowed(t *testing.T) {
	ctx := t.Context()
	c := newCloud()
	st := c.store(t)
	a, b := open(t, c.config(t, st)), open(t, c.config(t, st))
	_, key, err := a.CreateUser(ctx, "alice", iam.CreateUserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { got, err := b.Secret(ctx, key.ID); return err == nil && got.Secret == key.Secret })
	// b decides on what it knows and meets a's changes only at the commit.
	if _, _, err := b.CreateUser(ctx, "alice", iam.CreateUserOptions{}); errs.ReasonOf(err) != iam.EntityAlreadyExists {
		t.Errorf("same name: %v", err)
	}
	if err := b.DeleteUser(ctx, "", "alice"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { _, err := a.Secret(ctx, key.ID); return err != nil })
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for !ok() {
		if t.Context().Err() != nil {
			t.Fatal("never happened")
		}
	}
}

// Concurrent creations of one name: one wins, and nothing of the others stays.
func TestConcurrentCreation(t *testing.T) {
	ctx := t.Context()
	c := newCloud()
	st := c.store(t)
	services := []*iam.Service{open(t, c.config(t, st)), open(t, c.config(t, st))}
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := map[string]int{}
	for i := range 8 {
		for n := range 5 {
			wg.Go(func() {
				name := fmt.Sprint("user", n)
				_, _, err := services[i%2].CreateUser(ctx, name, iam.CreateUserOptions{})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won[name]++
				} else if errs.ReasonOf(err) != iam.EntityAlreadyExists {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	all, err := services[0].ListUsers(ctx, "")
	if err != nil || len(all) != 6 || len(won) != 5 {
		t.Errorf("%d users, %v", len(all), err)
	}
	for name, n := range won {
		if n != 1 {
			t.Errorf("%s was made %d times", name, n)
		}
	}
}

func TestSecretsRestSealed(t *testing.T) {
	ctx := t.Context()
	c := newCloud()
	st := c.store(t)
	s := open(t, c.config(t, st))
	_, key, err := s.CreateUser(ctx, "alice", iam.CreateUserOptions{AccessKeyID: "AKIDALICE", Secret: iam.NewSecret("plain-text-secret")})
	if err != nil {
		t.Fatal(err)
	}
	_, root := s.Root()
	view, err := st.View(ctx, kv.Control)
	if err != nil {
		t.Fatal(err)
	}
	it := view.Scan(kv.ScanOptions{})
	rows := 0
	for ok := it.First(); ok; ok = it.Next() {
		rows++
		for _, secret := range []string{"plain-text-secret", root.Secret.Reveal()} {
			if bytes.Contains(it.Value(), []byte(secret)) {
				t.Errorf("row %q holds a secret", it.Key())
			}
		}
	}
	if err := errors.Join(it.Close(), view.Close()); err != nil || rows == 0 {
		t.Errorf("%d rows, %v", rows, err)
	}
	for _, text := range []string{fmt.Sprint(key), fmt.Sprintf("%+v %#v %v", key, key, root), c.log.String()} {
		if strings.Contains(text, "plain-text-secret") || strings.Contains(text, root.Secret.Reveal()) {
			t.Errorf("a secret is shown: %s", text)
		}
	}
	s.Close()

	c.key = bytes.Repeat([]byte{8}, iam.KeySize)
	if _, err := iam.Open(ctx, c.config(t, st)); !errors.Is(err, iam.ErrNodeKey) {
		t.Errorf("another node key: %v", err)
	}
}

func TestSealer(t *testing.T) {
	s, err := iam.NewSealer(bytes.Repeat([]byte{1}, iam.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := iam.NewSealer([]byte("short")); err == nil {
		t.Error("short node key accepted")
	}
	sealed := s.Seal("here", iam.NewSecret("secret"))
	if got, err := s.Open("here", sealed); err != nil || got.Reveal() != "secret" {
		t.Errorf("%v, %v", got, err)
	}
	if again := s.Seal("here", iam.NewSecret("secret")); bytes.Equal(again, sealed) {
		t.Error("sealed twice alike")
	}
	if _, err := s.Open("there", sealed); !errors.Is(err, iam.ErrSealed) {
		t.Errorf("moved: %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := s.Open("here", bad); err == nil {
			t.Errorf("byte %d changed: opened", i)
		}
		if _, err := s.Open("here", sealed[:i]); err == nil {
			t.Errorf("cut at %d: opened", i)
		}
	}
}

func TestCredentialsFile(t *testing.T) {
	s := fresh(t)
	id, c := s.Root()
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.WriteCredentialsFile(path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), "[default]\naws_access_key_id = "+id+"\naws_secret_access_key = "+c.Secret.Reveal()+"\n") {
			t.Errorf("%s, %v", text, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if err := s.WriteCredentialsFile(filepath.Join(path, "x")); err == nil {
		t.Error("no error for an impossible place")
	}
}

func TestAuthorize(t *testing.T) {
	root := iam.Principal{AccountID: "111111111111", Root: true, ARN: "arn:aws:iam::111111111111:root"}
	user := iam.Principal{AccountID: "111111111111", ARN: "arn:aws:iam::111111111111:user/u"}
	s := fresh(t)
	for _, tc := range []struct {
		name    string
		who     iam.Principal
		account string
		allowed bool
	}{
		{"root, own", root, "111111111111", true},
		{"root, new thing", root, "", true},
		{"root, another's", root, "222222222222", false},
		{"user without policy", user, "111111111111", false},
		{"user, new thing", user, "", false},
		{"anonymous", iam.Anonymous(), "111111111111", false},
		{"anonymous, nobody's", iam.Anonymous(), "", false},
		{"nobody", iam.Principal{}, "", false},
		{"root of nothing", iam.Principal{Root: true}, "", false},
	} {
		err := s.Authorize(t.Context(), iam.Request{Principal: tc.who, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: tc.account})
		if (err == nil) != tc.allowed || err != nil && (errs.KindOf(err) != errs.Denied || errs.ReasonOf(err) != iam.AccessDenied) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestCreateUserAfterStoreClosed(t *testing.T) {
	c := newCloud()
	st := c.store(t)
	s := open(t, c.config(t, st))
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.CreateUser(context.Background(), "alice", iam.CreateUserOptions{}); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("%v", err)
	}
	if id, _ := s.Root(); id == "" {
		t.Error("look-ups ended with the store")
	}
}

func BenchmarkSecret(b *testing.B) {
	s := fresh(b)
	id, _ := s.Root()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Secret(b.Context(), id); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuthorize(b *testing.B) {
	s := fresh(b)
	_, c := s.Root()
	b.ReportAllocs()
	r := iam.Request{Principal: c.Principal, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: c.Principal.AccountID}
	for b.Loop() {
		if err := s.Authorize(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
