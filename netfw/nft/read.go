package nft

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// read asks the kernel for all that it has of the table.
func (t *Table) read() (*mirror, error) {
	m, err := t.readAll()
	if err != nil {
		t.hangUp()
	}
	return m, err
}

func (t *Table) readAll() (*mirror, error) {
	m := newMirror()
	conn, err := t.dial()
	if err != nil {
		return nil, err
	}
	for _, fam := range []nftables.TableFamily{inet, arp} {
		table := &nftables.Table{Family: fam, Name: t.name}
		chains, err := conn.ListChainsOfTableFamily(fam)
		if err != nil {
			return nil, fmt.Errorf("list chains: %w", err)
		}
		found := false
		for _, c := range chains {
			if c.Table.Name == t.name {
				m.chains[object{fam, c.Name}] = nil
				found = true
			}
		}
		if !found {
			continue
		}
		if err := t.readRules(fam, m.chains); err != nil {
			return nil, fmt.Errorf("list rules: %w", err)
		}
		sets, err := conn.GetSets(table)
		if err != nil {
			return nil, fmt.Errorf("list sets: %w", err)
		}
		for _, s := range sets {
			if s.Anonymous {
				continue // of a rule
			}
			s.Table = table
			elements, err := conn.GetSetElements(s)
			if err != nil {
				return nil, fmt.Errorf("list set %s: %w", s.Name, err)
			}
			vals := make(map[string]string, len(elements))
			for _, e := range elements {
				vals[string(e.Key)] = elementValue(object{fam, s.Name}, e)
			}
			m.sets[object{fam, s.Name}] = vals
		}
	}
	if _, ok := m.chains[object{inet, format}]; !ok {
		// Made by another version, whose rules may mean something else by the same text.
		m.foreign = len(m.chains) > 0
		for o := range m.chains {
			m.chains[o] = []string{"of another format"}
		}
	}
	return m, nil
}

// elementValue is what an element has as its value. The library does not decode verdicts: the comment says of which group the
// chain is.
func elementValue(o object, e nftables.SetElement) string {
	switch kindOf(o.name) {
	case incoming:
		return "i_" + e.Comment
	case outgoing:
		return "o_" + e.Comment
	}
	return string(e.Val)
}

// numbers finds which groups have which.
func (m *mirror) numbers() numbers {
	n := newNumbers()
	for o, elements := range m.sets {
		if kindOf(o.name) != incoming {
			continue
		}
		for number, chain := range elements {
			if id := chain[len("i_"):]; n.byID[id] == "" && n.ids[number] == "" && validName(id) && len(number) == 4 {
				n.set(id, number)
			}
		}
	}
	return n
}

// readRules asks for the comments of all rules of the table at once; the library can only ask chain by chain.
func (t *Table) readRules(fam nftables.TableFamily, into map[object][]string) error {
	attrs, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: unix.NFTA_RULE_TABLE, Data: append([]byte(t.name), 0)}})
	if err != nil {
		return err
	}
	replies, err := t.mu.socket.Execute(netlink.Message{
		Header: netlink.Header{
			Type:  netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETRULE),
			Flags: netlink.Request | netlink.Dump,
		},
		Data: append([]byte{byte(fam), unix.NFNETLINK_V0, 0, 0}, attrs...),
	})
	if err != nil {
		return err
	}
	for _, r := range replies {
		chain, text, err := parseRule(r.Data)
		if err != nil {
			return err
		}
		o := object{fam, chain}
		into[o] = append(into[o], text)
	}
	return nil
}

// parseRule takes the chain and the comment from a message of the kernel. A rule without a comment is not ours.
func parseRule(data []byte) (chain, text string, err error) {
	if len(data) < 4 {
		return "", "", errors.New("short message")
	}
	ad, err := netlink.NewAttributeDecoder(data[4:])
	if err != nil {
		return "", "", err
	}
	ad.ByteOrder = binary.BigEndian
	for ad.Next() {
		switch ad.Type() {
		case unix.NFTA_RULE_CHAIN:
			chain = ad.String()
		case unix.NFTA_RULE_USERDATA:
			text = comment(ad.Bytes())
		}
	}
	return chain, text, ad.Err()
}

// comment takes the comment out of a rule's user data: records of a type, a length and that many bytes. The library's own
// reader trusts the lengths.
func comment(b []byte) string {
	for len(b) >= 2 {
		typ, n := b[0], int(b[1])
		if len(b) < 2+n {
			return ""
		}
		if userdata.Type(typ) == userdata.TypeComment {
			return string(trimZero(b[2 : 2+n]))
		}
		b = b[2+n:]
	}
	return ""
}

// Drops are the packets of a tap that were dropped, by reason.
type Drops struct {
	Spoofed, SpoofedARP, DeniedIn, DeniedOut uint64
}

// Drops reads the counters of all taps.
func (t *Table) Drops() (map[string]Drops, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[string]Drops, len(t.mu.taps))
	for _, c := range []struct {
		object
		of func(*Drops) *uint64
	}{
		{object{inet, spoofed}, func(d *Drops) *uint64 { return &d.Spoofed }},
		{object{arp, spoofed}, func(d *Drops) *uint64 { return &d.SpoofedARP }},
		{object{inet, deniedIn}, func(d *Drops) *uint64 { return &d.DeniedIn }},
		{object{inet, deniedOut}, func(d *Drops) *uint64 { return &d.DeniedOut }},
	} {
		conn, err := t.dial()
		if err != nil {
			return nil, err
		}
		elements, err := conn.GetSetElements(&nftables.Set{Table: &nftables.Table{Family: c.family, Name: t.name}, Name: c.name})
		if err != nil {
			t.hangUp()
			return nil, fmt.Errorf("read counters of %s: %w", c.name, err)
		}
		for _, e := range elements {
			if e.Counter == nil {
				continue
			}
			tap := string(trimZero(e.Key))
			d := out[tap]
			*c.of(&d) = e.Counter.Packets
			out[tap] = d
		}
	}
	return out, nil
}
