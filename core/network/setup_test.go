package network

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local/localtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alice = "111111111111"
	bob   = "222222222222"
)

// newFS is a file system in memory.
func newFS() vfs.FS { return vfs.NewMem() }

func openStore(t testing.TB, fs vfs.FS) kv.Store { return localtest.Open(t, fs) }

func config(st kv.Store) Config {
	return Config{
		Store: st, Region: "us-east-1", Limits: DefaultLimits(),
		Zones:      []Zone{{"us-east-1a", "use1-az1"}, {"us-east-1b", "use1-az2"}},
		PublicPool: []netip.Prefix{netip.MustParsePrefix("100.65.0.0/24")},
	}
}

func openWith(t testing.TB, c Config) *Service {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// open makes a network with the default VPC of alice.
func open(t testing.TB) *Service {
	t.Helper()
	s := openWith(t, config(openStore(t, vfs.NewMem())))
	if err := s.Ensure(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	return s
}

// inTx commits what do plans, as core/compute does.
func (s *Service) inTx(ctx context.Context, account string, do func(*Tx) error) error {
	for {
		b := &kv.Batch{}
		tx := s.Begin(b, account)
		if err := do(tx); err != nil {
			return err
		}
		tx.Flush()
		res, err := s.store.Commit(ctx, kv.Control, b)
		if errors.Is(err, kv.ErrConditionFailed) {
			if err := s.CatchUp(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		return s.Await(ctx, res.Index)
	}
}

// launch makes an interface as RunInstances does.
func launch(t testing.TB, s *Service, spec InterfaceSpec) *Interface {
	t.Helper()
	if spec.Attach == nil {
		spec.Attach = &Attach{Instance: ids.New(ids.Instance), DeleteOnTermination: true}
	}
	must(t, s.Ensure(t.Context(), alice))
	var nic *Interface
	must(t, s.inTx(t.Context(), alice, func(tx *Tx) (err error) { nic, err = tx.CreateInterface(spec); return err }))
	return nic
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks the code of a failure.
func refused(t testing.TB, err error, code errs.Reason) {
	t.Helper()
	if got := errs.ReasonOf(err); err == nil || got != code {
		t.Fatalf("got %v (%s), want %s", err, got, code)
	}
}

// audit compares what the store's rows say of each other, and the memory with the store. It is what must hold after
// whatever happened.
func audit(t testing.TB, s *Service) {
	t.Helper()
	must(t, s.CatchUp(t.Context()))
	view, err := s.store.View(t.Context(), kv.Control)
	must(t, err)
	defer view.Close()
	st, counters := newState(), map[string]int64{}
	it := view.Scan(kv.ScanOptions{Lower: []byte(rowPrefix), Upper: keys.PrefixEnd([]byte(rowPrefix))})
	for ok := it.First(); ok; ok = it.Next() {
		tag, id, _ := splitRow(it.Key())
		if tag == tagCounter {
			n, err := kv.DecodeCounter(it.Value())
			must(t, err)
			counters[id] = n
			continue
		}
		if _, err := st.put(it.Key(), it.Value(), it.Revision()); err != nil {
			t.Fatal(err)
		}
	}
	must(t, it.Close())
	want := map[string]int64{}
	holders := recount(t, st, want)
	for name, n := range counters {
		if n != want[name] {
			t.Errorf("counter %s is %d, want %d", name, n, want[name])
		}
		delete(want, name)
	}
	for name, n := range want {
		if n != 0 {
			t.Errorf("counter %s is missing, want %d", name, n)
		}
	}
	for what, rows := range map[string]*table[holderRecord]{"private": st.private, "public": st.public, "name": st.names, "rule": st.rules} {
		have := map[string]string{}
		for id, r := range rows.rows {
			have[id] = r.v.ID
		}
		if !maps.Equal(have, holders[what]) {
			t.Errorf("%s rows are\n%v\nwant\n%v", what, have, holders[what])
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if mem, disk := fingerprint(s.mu.state), fingerprint(st); mem != disk {
		t.Errorf("the memory differs from the store:\n%s\nstore:\n%s", mem, disk)
	}
}

// recount counts users and quotas, and lists the holders of names and addresses.
func recount(t testing.TB, st *state, want map[string]int64) map[string]map[string]string {
	h := map[string]map[string]string{"private": {}, "public": {}, "name": {}, "rule": {}}
	claim := func(what, key, id string) {
		if other, taken := h[what][key]; taken {
			t.Errorf("%s %s belongs to %s and to %s", what, key, other, id)
		}
		h[what][key] = id
	}
	for id, r := range st.vpcs.rows {
		want[quotaOf(r.v.Account, quotaVPCs)]++
		if r.v.DHCPOptions != "" {
			want[usersOf(r.v.DHCPOptions)]++
		}
		for what, has := range map[string]bool{"table": st.tables.get(r.v.MainTable) != nil, "ACL": st.acls.get(r.v.DefaultACL) != nil,
			"group": st.groups.get(r.v.DefaultGroup) != nil} {
			if !has {
				t.Errorf("%s lacks its %s", id, what)
			}
		}
	}
	for _, r := range st.subnets.rows {
		want[usersOf(r.v.VPC)]++
		want[usersOf(r.v.ACL)]++
		want[quotaOf(r.v.VPC, quotaSubnets)]++
		if r.v.RouteTable != "" {
			want[usersOf(r.v.RouteTable)]++
		}
	}
	for id, r := range st.groups.rows {
		claim("name", groupName(r.v.VPC, r.v.Name), id)
		if r.v.Name != defaultGroupName {
			want[usersOf(r.v.VPC)]++
			want[quotaOf(r.v.VPC, quotaGroups)]++
		}
		for _, rule := range r.v.Rules {
			claim("rule", rule.ID, id)
			if rule.Group == "" || rule.Group == id {
				continue
			}
			want[usersOf(rule.Group)]++
			if st.groups.get(rule.Group) == nil {
				t.Errorf("%s names %s, which is gone", rule.ID, rule.Group)
			}
		}
	}
	for id, r := range st.interfaces.rows {
		want[quotaOf(r.v.Account, quotaInterfaces)]++
		want[usersOf(r.v.Subnet)]++
		for _, g := range r.v.Groups {
			want[usersOf(g)]++
			if st.groups.get(g) == nil {
				t.Errorf("%s is in %s, which is gone", id, g)
			}
		}
		sub := st.subnets.get(r.v.Subnet)
		for _, a := range r.v.Addresses {
			claim("private", privateName(r.v.Subnet, a.Private), id)
			if sub == nil || !sub.CIDR.Contains(a.Private) || reserved(sub.CIDR, a.Private) {
				t.Errorf("%s has %s of %v", id, a.Private, sub)
			}
			if a.Public.IsValid() {
				want[usersOf(mappedIn(r.v.VPC))]++
				if a.Allocation == "" {
					claim("public", a.Public.String(), id)
				} else if e := st.elasticIPs.get(a.Allocation); e == nil || e.Interface != id || e.Private != a.Private || e.Association != a.Association {
					t.Errorf("%s says %v, its Elastic IP %v", id, a, e)
				}
			}
		}
	}
	for id, r := range st.elasticIPs.rows {
		want[quotaOf(r.v.Account, quotaElasticIPs)]++
		claim("public", r.v.Public.String(), id)
		if r.v.Interface != "" && st.interfaces.get(r.v.Interface) == nil {
			t.Errorf("%s is associated with %s, which is gone", id, r.v.Interface)
		}
	}
	for _, r := range st.tables.rows {
		want[quotaOf(r.v.VPC, quotaTables)]++
		if v := st.vpcs.get(r.v.VPC); v == nil || v.MainTable != r.v.ID {
			want[usersOf(r.v.VPC)]++
		}
	}
	for _, r := range st.acls.rows {
		want[quotaOf(r.v.VPC, quotaACLs)]++
		if !r.v.Default {
			want[usersOf(r.v.VPC)]++
		}
	}
	for _, r := range st.gateways.rows {
		want[quotaOf(r.v.Account, quotaGateways)]++
		if r.v.VPC != "" {
			want[usersOf(r.v.VPC)]++
		}
	}
	for _, r := range st.dhcps.rows {
		if !r.v.Default {
			want[quotaOf(r.v.Account, quotaDHCP)]++
		}
	}
	return h
}

// fingerprint is the content of a state in text, indexes included.
func fingerprint(st *state) string {
	var b strings.Builder
	dump(&b, st.vpcs)
	dump(&b, st.subnets)
	dump(&b, st.groups)
	dump(&b, st.interfaces)
	dump(&b, st.tables)
	dump(&b, st.gateways)
	dump(&b, st.acls)
	dump(&b, st.dhcps)
	dump(&b, st.elasticIPs)
	dump(&b, st.defaults)
	fmt.Fprintf(&b, "%v\n%v\n%v\n%v\n", st.members, st.referrers, st.inSubnet, st.ofInstance)
	fmt.Fprintf(&b, "%v\n%v\n%v\n%v\n", st.withDHCP, st.withTable, st.withACL, st.routedTo)
	fmt.Fprintf(&b, "%v\n%v\n%v\n", st.attachments, st.associations, st.used)
	fmt.Fprintf(&b, "%v\n", st.inVPC)
	return b.String()
}

func dump[T any, P record[T]](b *strings.Builder, t *table[T]) {
	for _, id := range slices.Sorted(maps.Keys(t.rows)) {
		fmt.Fprintf(b, "%s@%d %q\n", id, t.rows[id].rev, schema.Encode(P(t.rows[id].v)))
	}
}
