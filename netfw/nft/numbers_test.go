package nft

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"testing"
)

// Two groups whose sums are the same get different numbers, and keep them over a restart.
func TestNumbersDiffer(t *testing.T) {
	byNumber := map[string]string{}
	var same []string
	for k := 0; same == nil; k++ {
		id := fmt.Sprintf("sg-%017x", k*7919)
		number := newNumbers().of(id)
		if other, ok := byNumber[number]; ok {
			same = []string{other, id}
		}
		byNumber[number] = id
	}
	table := New("test", namespace(t).FD())
	t.Cleanup(table.Close)
	f := crowd(2)
	for k, id := range same {
		f.Groups = append(f.Groups, Group{ID: id, Ingress: tenRules(k)})
		f.Taps[k].Groups = []string{id}
	}
	mustApply(t, table, f)
	numbers := func() []string {
		table.mu.Lock()
		defer table.mu.Unlock()
		return []string{table.mu.numbers.of(same[0]), table.mu.numbers.of(same[1])}
	}
	before := numbers()
	if before[0] == before[1] {
		t.Fatalf("%v have one number", same)
	}
	table.Forget()
	mustApply(t, table, f)
	if after := numbers(); !slices.Equal(before, after) {
		t.Errorf("numbers %q became %q", before, after)
	}
	same0 := f.Groups[len(f.Groups)-2]
	f.Groups = append(f.Groups[:len(f.Groups)-2], f.Groups[len(f.Groups)-1])
	f.Taps = f.Taps[1:]
	mustApply(t, table, f)
	table.mu.Lock()
	if _, ok := table.mu.numbers.byID[same0.ID]; ok {
		t.Error("the number of a group that is gone is not free")
	}
	table.mu.Unlock()
}

var handle = regexp.MustCompile(`"rule": \{[^{]*"handle": (\d+)`)

// Who joins a group that others are in changes no rule: those that there are keep their handles.
func TestMembershipTouchesNoRule(t *testing.T) {
	ns := namespace(t)
	table := New("test", ns.FD())
	t.Cleanup(table.Close)
	f := crowd(4)
	mustApply(t, table, f)
	rules := func() (all []string) {
		for _, m := range handle.FindAllStringSubmatch(ruleset(t, ns), -1) {
			all = append(all, m[1])
		}
		return all
	}
	before := rules()
	if len(before) < 20 {
		t.Fatalf("found %d rules", len(before))
	}
	for _, groups := range [][]string{{"sg-all", "sg-1"}, {"sg-all"}, {"sg-all", "sg-2"}} {
		f.Taps[0].Groups = groups
		mustApply(t, table, f)
		if after := rules(); !slices.Equal(before, after) {
			t.Errorf("with groups %v the rules %v became %v", groups, before, after)
		}
	}
	f.Groups[1].Ingress = tenRules(7)
	mustApply(t, table, f)
	if slices.Equal(before, rules()) {
		t.Error("a rule that changes would not be seen")
	}
}

// What another version made is replaced by what this one wants.
func TestOtherFormat(t *testing.T) {
	ns := namespace(t)
	table := New("test", ns.FD())
	t.Cleanup(table.Close)
	f := crowd(5)
	mustApply(t, table, f)
	in := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("nsenter", append([]string{"--net=/run/netns/" + ns.Name, "nft"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("nft %v: %v %s", args, err, out)
		}
	}
	in("rename", "chain", "inet", "test", format, "format_0")
	in("add", "chain", "inet", "test", "in_aut000000")
	in("flush", "chain", "inet", "test", "i_sg-1")
	table.Forget()
	mustApply(t, table, f)
	same(t, table, f)
}
