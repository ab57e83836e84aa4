package ec2api

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestPermissionsAreAWSs: an action is about the resources that AWS's reference has for it: all that a policy must name, and none
// that it does not know.
func TestPermissionsAreAWSs(t *testing.T) {
	text, err := os.ReadFile("testdata/authorization.txt")
	if err != nil {
		t.Fatal(err)
	}
	tab, err := newTable(&Server{})
	if err != nil {
		t.Fatal(err)
	}
	permissions, err := readPermissions()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(text)) {
		action, types, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		seen++
		var have, known []string
		if p := permissions[action]; p != nil {
			have = slices.Clone(p.made)
			for _, n := range p.named {
				have = append(have, n.kind)
			}
		}
		for _, kind := range strings.Fields(types) {
			name, optional := strings.CutPrefix(kind, "?")
			known = append(known, name)
			if !optional && !slices.Contains(have, name) {
				t.Errorf("%s is about no %s", action, name)
			}
		}
		for _, kind := range have {
			if !slices.Contains(known, kind) {
				t.Errorf("%s is not about a %s", action, kind)
			}
		}
		delete(permissions, action)
		if tab[action] == nil || tab[action].run == nil {
			t.Errorf("%s is not built", action)
		}
	}
	for action := range permissions {
		t.Errorf("%s is about no resources", action)
	}
	if seen < 70 {
		t.Errorf("%d actions", seen)
	}
}
