package nft

import (
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// An Outside is what the host's own namespace does for those of the networks.
type Outside struct {
	// Taps and Uplinks are how the names of both begin.
	Taps, Uplinks string
	// Masquerade hides what comes in by an uplink behind the host's address when it leaves by anything else.
	Masquerade bool
}

// masqueradeMark is the bit that packets from an uplink carry between the two hooks that they pass: at the second one the
// interface that they came in by is not known any more.
const masqueradeMark = 0x08000000

// named holds for interfaces whose name begins with a prefix.
func named(key expr.MetaKey, prefix string) match { return match{loadMeta(key), equal([]byte(prefix))} }

// ApplyOutside makes the table one of the host's own namespace.
func (t *Table) ApplyOutside(o Outside) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.know(); err != nil {
		return err
	}
	u := compileOutside(o)
	return t.run(&plan{changes: []change{{"outside", &u, func() {}}}})
}

func compileOutside(o Outside) unit {
	// A tap that waits for its guest is not behind a firewall yet, and may not say anything.
	u := unit{chains: []chain{{object{inet, format}, nil, nil},
		{object{inet, "guard"}, &hook{nftables.ChainTypeFilter, nftables.ChainHookPrerouting, -300, nftables.ChainPolicyAccept}, []rule{
			{text: "unplugged taps " + o.Taps, exprs: join(named(expr.MetaKeyIIFNAME, o.Taps), one(drop()))}}}}}
	if !o.Masquerade {
		return u
	}
	mark := []expr.Any{
		loadMeta(expr.MetaKeyMARK),
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: native32(^uint32(masqueradeMark)), Xor: native32(masqueradeMark)},
		storeMark(),
	}
	marked := match{
		loadMeta(expr.MetaKeyMARK),
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: native32(masqueradeMark), Xor: make([]byte, 4)},
		differs(make([]byte, 4)),
	}
	toUplink := rule{text: "to uplinks " + o.Uplinks, exprs: join(named(expr.MetaKeyOIFNAME, o.Uplinks), one(accept()))}
	u.chains = append(u.chains,
		chain{object{inet, "forward"}, &hook{nftables.ChainTypeFilter, nftables.ChainHookForward, 0, nftables.ChainPolicyAccept}, []rule{
			toUplink, {text: "from uplinks " + o.Uplinks, exprs: join(named(expr.MetaKeyIIFNAME, o.Uplinks), mark)}}},
		chain{object{inet, "leave"}, &hook{nftables.ChainTypeNAT, nftables.ChainHookPostrouting, 100, nftables.ChainPolicyAccept}, []rule{
			toUplink, {text: "masquerade", exprs: join(ipv4(), marked, one(&expr.Masq{}))}}})
	return u
}

// Remove takes the table away. What is not there is no error.
func (t *Table) Remove() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	conn, err := t.dial()
	if err != nil {
		return err
	}
	for _, fam := range []nftables.TableFamily{inet, arp} {
		// Adding what is to be deleted makes deleting what is not there no error.
		conn.DelTable(conn.AddTable(&nftables.Table{Family: fam, Name: t.name}))
	}
	t.mu.kernel = nil
	return conn.Flush()
}

// Exists tells whether the kernel has the table.
func (t *Table) Exists() (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	conn, err := t.dial()
	if err != nil {
		return false, err
	}
	tables, err := conn.ListTablesOfFamily(inet)
	if err != nil {
		return false, err
	}
	for _, have := range tables {
		if have.Name == t.name {
			return true, nil
		}
	}
	return false, nil
}
