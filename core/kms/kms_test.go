package kms_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local"
)

const (
	account = "111111111111"
	other   = "222222222222"
)

var ctx = context.Background()

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, fs vfs.FS, nodeKey byte) (*kms.Service, func()) {
	t.Helper()
	c := local.Default("kv")
	c.FS, c.CacheBytes, c.MemTableBytes, c.ReserveBytes = fs, 8<<20, 4<<20, 0
	st, err := local.Open(c)
	must(t, err)
	s := service(t, st, nodeKey)
	return s, func() {
		must(t, s.Close())
		must(t, st.Close())
	}
}

func service(t *testing.T, st kv.Store, nodeKey byte) *kms.Service {
	t.Helper()
	sealer, err := iam.NewSealer(bytes.Repeat([]byte{nodeKey}, iam.KeySize))
	must(t, err)
	s, err := kms.Open(ctx, kms.Config{Store: st, Sealer: sealer})
	must(t, err)
	return s
}

func TestNamesOfKeys(t *testing.T) {
	s, done := open(t, vfs.NewMem(), 1)
	defer done()
	k, err := s.CreateKey(ctx, kms.NewKey{Account: account, Alias: "mine", Description: "for tests"})
	must(t, err)
	if k.ARN != "arn:aws:kms:us-east-1:"+account+":key/"+k.ID || len(k.ID) != 36 || !k.Enabled || k.Managed {
		t.Errorf("key = %+v", k)
	}
	for _, name := range []string{k.ID, k.ARN, "alias/mine", "arn:aws:kms:us-east-1:" + account + ":alias/mine"} {
		if got, err := s.Resolve(ctx, account, name); err != nil || got.ID != k.ID {
			t.Errorf("Resolve(%s) = %+v, %v", name, got, err)
		}
	}
	if got, err := s.Resolve(ctx, other, k.ARN); err != nil || got.Account != account {
		t.Errorf("by ARN from another account: %+v, %v", got, err)
	}
	for _, tc := range []struct{ account, name string }{
		{other, k.ID}, {other, "alias/mine"}, {account, "min"}, {account, "alias/none"}, {account, strings.Repeat("x", 5000)},
		{account, "arn:aws:kms:us-east-1:" + other + ":key/" + k.ID}, {account, "arn:aws:s3:::x"}, {account, "arn:"},
		{account, "00000000-0000-4000-8000-000000000000"}, {account, "alias/ä"}, {account, " "},
	} {
		if got, err := s.Resolve(ctx, tc.account, tc.name); errs.ReasonOf(err) != kms.NotFound {
			t.Errorf("Resolve(%s, %.40s) = %+v, %v", tc.account, tc.name, got, err)
		}
	}
	for _, n := range []kms.NewKey{{Account: account, Alias: "mine"}, {Account: account, Alias: "aws/s3"}, {Account: account, Alias: "a b"}, {Account: "1"}} {
		if _, err := s.CreateKey(ctx, n); err == nil {
			t.Errorf("CreateKey(%+v) succeeded", n)
		}
	}
	shared, err := s.CreateKey(ctx, kms.NewKey{Account: account, Alias: "everybodys", Shared: true})
	must(t, err)
	for _, name := range []string{shared.ID, shared.ARN, "alias/everybodys", "everybodys"} {
		if got, err := s.Resolve(ctx, other, name); err != nil || got.ID != shared.ID || !got.Shared {
			t.Errorf("Resolve(%s) of a shared key = %+v, %v", name, got, err)
		}
	}
	if _, err := s.CreateKey(ctx, kms.NewKey{Account: other, Alias: "alias/mine"}); err != nil {
		t.Errorf("the same alias in another account: %v", err)
	}
}

func TestKeysOnDemand(t *testing.T) {
	s, done := open(t, vfs.NewMem(), 1)
	defer done()
	ids := make(chan string, 16)
	for range cap(ids) {
		go func() {
			k, err := s.Resolve(ctx, account, "")
			if err != nil || !k.Managed {
				t.Errorf("default key: %+v, %v", k, err)
			}
			_, _, err = s.Generate(ctx, kms.ManagedKey, nil)
			if err != nil {
				t.Error(err)
			}
			ids <- k.ID
		}()
	}
	first := <-ids
	for range cap(ids) - 1 {
		if id := <-ids; id != first {
			t.Errorf("two default keys: %s, %s", first, id)
		}
	}
	keys, err := s.ListKeys(ctx, "")
	if err != nil || len(keys) != 2 {
		t.Errorf("keys = %+v, %v", keys, err)
	}
	if _, err := s.SetEnabled(ctx, "", kms.ManagedKey, false); err == nil {
		t.Error("the store's own key can be disabled")
	}
}

func TestDataKeysOutliveRotationAndRestart(t *testing.T) {
	fs := vfs.NewMem()
	s, done := open(t, fs, 1)
	k, err := s.CreateKey(ctx, kms.NewKey{Account: account})
	must(t, err)
	type made struct {
		key    kms.DataKey
		sealed []byte
	}
	var all []made
	for i := range 4 {
		data, sealed, err := s.Generate(ctx, k.ID, []byte("here"))
		must(t, err)
		all = append(all, made{data, sealed})
		if i%2 == 0 {
			_, err = s.RotateKey(ctx, account, k.ID)
			must(t, err)
		}
	}
	done()
	s, done = open(t, fs, 1)
	for _, m := range all {
		if got, err := s.Open(ctx, k.ID, m.sealed, []byte("here")); err != nil || got != m.key {
			t.Errorf("after a restart: %v", err)
		}
	}
	for i := range all[0].sealed {
		bad := bytes.Clone(all[0].sealed)
		bad[i] ^= 1
		if _, err := s.Open(ctx, k.ID, bad, []byte("here")); err == nil {
			t.Errorf("opens with byte %d changed", i)
		}
	}
	if _, err := s.Open(ctx, k.ID, all[0].sealed, []byte("there")); !errors.Is(err, kms.ErrDataKey) {
		t.Errorf("opens elsewhere: %v", err)
	}
	if _, err := s.Open(ctx, k.ID, nil, nil); err == nil {
		t.Error("nothing opens")
	}
	_, err = s.SetEnabled(ctx, account, k.ID, false)
	must(t, err)
	if _, err := s.Open(ctx, k.ID, all[0].sealed, []byte("here")); errs.ReasonOf(err) != kms.Disabled {
		t.Errorf("a disabled key opens: %v", err)
	}
	if _, _, err := s.Generate(ctx, k.ID, nil); errs.ReasonOf(err) != kms.Disabled {
		t.Errorf("a disabled key seals: %v", err)
	}
	_, err = s.SetEnabled(ctx, account, k.ID, true)
	must(t, err)
	if _, err := s.Open(ctx, k.ID, all[0].sealed, []byte("here")); err != nil {
		t.Errorf("an enabled key does not open: %v", err)
	}
	done()
	s, done = open(t, fs, 2)
	defer done()
	if _, err := s.Open(ctx, k.ID, all[0].sealed, []byte("here")); !errors.Is(err, iam.ErrNodeKey) {
		t.Errorf("with another node key: %v", err)
	}
}

func TestDataKeysAreNotPrinted(t *testing.T) {
	k := kms.NewDataKey()
	for _, format := range []string{"%v", "%s", "%#v", "%+v"} {
		if got := fmt.Sprintf(format, k); got != "***" {
			t.Errorf("%s prints %s", format, got)
		}
	}
}
