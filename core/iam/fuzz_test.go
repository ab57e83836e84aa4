package iam

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRows: no row, however broken, makes the directory panic, and a credential comes only from a secret that
// was sealed for its key.
func FuzzRows(f *testing.F) {
	sealer, err := NewSealer(bytes.Repeat([]byte{1}, KeySize))
	if err != nil {
		f.Fatal(err)
	}
	account := schema.Encode(&accountRecord{ID: "111111111111", CanonicalID: "c"})
	user := schema.Encode(&userRecord{Account: "111111111111", Name: "u", Owner: true})
	key := schema.Encode(&keyRecord{ID: "K", Account: "111111111111", User: "u", Sealed: sealer.Seal(rowKey+"K", NewSecret("s"))})
	f.Add([]byte(rowAccount+"111111111111"), account, []byte(rowUser), user, []byte(rowKey+"K"), key)
	f.Add([]byte(rowRoot), schema.Encode(&rootRecord{}), []byte(rowOwner), []byte("x"), []byte("iam."), []byte{1})
	f.Add([]byte("iam"), []byte{0}, []byte(rowUser+"12"), []byte{2}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, r1, v1, r2, v2, r3, v3 []byte) {
		d := newDirectory(sealer)
		for _, row := range [][2][]byte{{r1, v1}, {r2, v2}, {r3, v3}} {
			_ = d.put(row[0], row[1], 1) // an error is the right answer to nonsense
		}
		for id, c := range d.creds {
			if id != "K" || c.Secret.Reveal() != "s" {
				t.Fatalf("credential %q from nothing", id)
			}
		}
		for _, u := range d.users {
			d.describe(u.userRecord)
		}
		for _, row := range [][]byte{r1, r2, r3} {
			d.remove(row)
		}
	})
}

// FuzzNames: what the checks let through fits into every place where a name is written.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "alice", "a b", "AKIA0123456789ABCDEF", "a/b", "é", "x,y=z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckUserName(s) == nil && (s == "" || len(s) > 64 || strings.ContainsAny(s, " /:*?\n\x00") || !utf8.ValidString(s)) {
			t.Errorf("user name %q", s)
		}
		if CheckAccessKeyID(s) == nil && strings.ContainsAny(s, " ,/:=&%+\n") {
			t.Errorf("access key %q", s)
		}
		if CheckSecret(NewSecret(s)) == nil && (strings.ContainsAny(s, " \t\r\n\x00") || len(s) < MinSecret) {
			t.Errorf("secret %q", s)
		}
		if CheckAccountID(s) == nil && (len(s) != 12 || strings.Trim(s, "0123456789") != "") {
			t.Errorf("account %q", s)
		}
	})
}
