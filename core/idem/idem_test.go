package idem_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local/localtest"
)

const account = "123456789012"

func open(t *testing.T) kv.Store { return localtest.Open(t, vfs.NewMem()) }

func lookup(t *testing.T, s kv.Store, tok idem.Token) ([]string, bool, error) {
	t.Helper()
	v, err := s.View(t.Context(), kv.Control)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	return tok.Lookup(v)
}

func record(t *testing.T, s kv.Store, tok idem.Token, ids ...string) error {
	t.Helper()
	var b kv.Batch
	b.Put([]byte("x"+tok.Token), nil)
	tok.Record(&b, ids...)
	_, err := s.Commit(t.Context(), kv.Control, &b)
	return err
}

func TestTokens(t *testing.T) {
	s := open(t)
	now := time.Now()
	tok := idem.Token{Account: account, Action: "RunInstances", Token: "a\x00b", Hash: [32]byte{1}, Time: now}
	if _, seen, err := lookup(t, s, tok); seen || err != nil {
		t.Fatalf("before: %v %v", seen, err)
	}
	if err := record(t, s, tok, "i-1", "i-2"); err != nil {
		t.Fatal(err)
	}
	made, seen, err := lookup(t, s, tok)
	if !seen || err != nil || len(made) != 2 || made[0] != "i-1" || made[1] != "i-2" {
		t.Fatalf("after: %v %v %v", made, seen, err)
	}
	if err := record(t, s, tok, "i-3"); !errors.Is(err, kv.ErrConditionFailed) {
		t.Errorf("a second record: %v", err)
	}
	other := tok
	other.Hash = [32]byte{2}
	if _, _, err := lookup(t, s, other); errs.ReasonOf(err) != idem.ParameterMismatch {
		t.Errorf("other parameters: %v", err)
	}
	for _, change := range []func(*idem.Token){
		func(t *idem.Token) { t.Account = "999999999999" },
		func(t *idem.Token) { t.Action = "CreateVolume" },
		func(t *idem.Token) { t.Token = "a" },
		func(t *idem.Token) { t.Token = "" },
	} {
		other := tok
		change(&other)
		if _, seen, err := lookup(t, s, other); seen || err != nil {
			t.Errorf("%+v: %v %v", other, seen, err)
		}
	}
	old := idem.Token{Account: account, Action: "RunInstances", Token: "old", Time: now.Add(-time.Hour)}
	if err := record(t, s, old); err != nil {
		t.Fatal(err)
	}
	if n, err := idem.Sweep(t.Context(), s, now.Add(-time.Minute)); n != 1 || err != nil {
		t.Errorf("sweep: %d %v", n, err)
	}
	if _, seen, _ := lookup(t, s, old); seen {
		t.Error("the old record is still there")
	}
	if _, seen, _ := lookup(t, s, tok); !seen {
		t.Error("the new record is gone")
	}
}
