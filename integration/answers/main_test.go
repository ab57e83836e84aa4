package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestClaims(t *testing.T) {
	dir := t.TempDir()
	claims := filepath.Join(dir, "coverage.json")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(claims, `{
		"GetObject": {"success": "TestA", "errors": {"NoSuchKey": "TestA", "NoSuchBucket": "TestB", "Slow": "never: nothing is slow here"}},
		"PutObject": {"denied": "TestA", "denial": "Forbidden"},
		"GetTorrent": {"success": "TestB", "answer": "NoSuchKey", "errors": {"KMS.Disabled": ""}}}`)
	answers := filepath.Join(dir, "answers")
	if err := os.Mkdir(answers, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := check(claims, answers); err == nil {
		t.Error("no answers at all are no error")
	}
	write(filepath.Join(answers, "1"), "TestA GetObject \nTestA GetObject NoSuchKey\nTestA GetObject NoSuchBucket\nTestA PutObject AccessDenied\n")
	write(filepath.Join(answers, "2"), "TestB GetTorrent NoSuchKey\nTestFeatures GetTorrent KMS.Disabled\nTestFeatures PutObject \nTestOperationsRefused GetObject AccessDenied\n")
	missing, held, err := check(claims, answers)
	if err != nil || held != 6 {
		t.Errorf("%d claims hold, %v", held, err)
	}
	want := []string{"GetObject: no NoSuchBucket while TestB ran", "GetTorrent: no AccessDenied while TestOperationsRefused or TestFeatures ran",
		"PutObject: no Forbidden while TestA or TestOperationsRefused ran"}
	if !slices.Equal(missing, want) {
		t.Errorf("missing:\n%s", strings.Join(missing, "\n"))
	}
	write(filepath.Join(answers, "3"), "nonsense\n")
	if _, _, err := check(claims, answers); err == nil {
		t.Error("nonsense is taken for an answer")
	}
}
