package kvtest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// RunModel runs random programs against the engine and against a map, and compares every answer.
func RunModel(t *testing.T, open Engine, flags *Flags) {
	seed := flags.seed(t)
	for p := range flags.Programs {
		t.Run(fmt.Sprint(p), func(t *testing.T) {
			f := &fixture{T: t, open: open, fs: vfs.NewMem()}
			f.reopen()
			m := &modelRun{fixture: f, rng: rand.New(rand.NewPCG(seed, uint64(p)))}
			for s := range m.shards {
				m.shards[s].rows = map[string]kv.Value{}
			}
			for step := range 400 {
				m.step()
				if t.Failed() {
					t.Fatalf("program %d, step %d", p, step)
				}
			}
			for _, v := range m.views {
				if err := v.view.Close(); err != nil {
					t.Error(err)
				}
			}
			if err := f.st.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

type modelShard struct {
	index kv.Index
	rows  map[string]kv.Value
}

type modelView struct {
	view  kv.View
	shard modelShard
}

type modelRun struct {
	*fixture
	rng    *rand.Rand
	shards [Shards]modelShard
	views  []modelView
}

func (m *modelRun) step() {
	switch n := m.rng.IntN(100); {
	case n < 55:
		m.commitStep()
	case n < 70:
		m.getStep()
	case n < 80:
		m.scanStep()
	case n < 88:
		m.openView()
	case n < 94:
		m.closeView()
	case n < 97:
		m.checkAll()
	default:
		for len(m.views) > 0 {
			m.closeView()
		}
		m.reopen()
	}
}

// key draws one of few, so that programs meet the same keys again; counters have names of their own.
func (m *modelRun) key() string {
	b := make([]byte, 1+m.rng.IntN(3))
	for i := range b {
		b[i] = []byte{0x00, 'a', 'b', 'c', 0xFF}[m.rng.IntN(5)]
	}
	return string(b)
}

func (m *modelRun) value() []byte {
	v := make([]byte, m.rng.IntN(20))
	if m.rng.IntN(10) == 0 {
		v = make([]byte, m.rng.IntN(20_000))
	}
	for i := range v {
		v[i] = byte(m.rng.Uint32())
	}
	return v
}

func (m *modelRun) draw() (kv.Shard, *modelShard) {
	s := m.rng.IntN(Shards)
	return kv.Shard(s), &m.shards[s]
}

func (m *modelRun) commitStep() {
	s, ms := m.draw()
	b := &kv.Batch{}
	for range m.rng.IntN(3) {
		m.addCond(b, ms)
	}
	for range m.rng.IntN(6) {
		m.addOp(b)
	}
	after, want := ms.apply(b)
	res, err := m.st.Commit(m.ctx(), s, b)
	if !errors.Is(err, want) || (want == nil && (err != nil || res.Index != after.index)) {
		m.Errorf("commit to shard %d of %+v: got %d, %v, want %d, %v", s, b, res.Index, err, after.index, want)
		return
	}
	if want == nil {
		*ms = after
	}
}

func (m *modelRun) addCond(b *kv.Batch, ms *modelShard) {
	k := []byte(m.key())
	have, ok := ms.rows[string(k)]
	lie := m.rng.IntN(4) == 0 // mostly true conditions, or hardly any batch would pass
	switch m.rng.IntN(4) {
	case 0:
		if ok != lie {
			b.IfExists(k)
		} else {
			b.IfAbsent(k)
		}
	case 1:
		rev := have.Revision
		if lie {
			rev++
		}
		b.IfRevision(k, rev)
	case 2:
		v := bytes.Clone(have.Data)
		if lie {
			v = append(v, 'x')
		}
		b.IfValue(k, v)
	case 3:
		b.IfCounterAtMost(m.counterKey(), int64(m.rng.IntN(40)-10))
	}
}

func (m *modelRun) counterKey() []byte { return key("n", m.rng.IntN(3)) }

func (m *modelRun) addOp(b *kv.Batch) {
	switch n := m.rng.IntN(20); {
	case n < 10:
		b.Put([]byte(m.key()), m.value())
	case n < 15:
		b.Delete([]byte(m.key()))
	case n < 18:
		b.Add(m.counterKey(), int64(m.rng.IntN(21)-10))
	default:
		lo, hi := m.key(), m.key()
		if lo > hi {
			lo, hi = hi, lo
		}
		b.DeleteRange([]byte(lo), []byte(hi))
	}
}

// apply is the contract in its shortest form.
func (ms *modelShard) apply(b *kv.Batch) (modelShard, error) {
	if invalid(b) {
		return *ms, kv.ErrInvalid
	}
	counter := func(k []byte) int64 {
		if v, ok := ms.rows[string(k)]; ok {
			n, _ := kv.DecodeCounter(v.Data)
			return n
		}
		return 0
	}
	for _, c := range b.Conds {
		have, ok := ms.rows[string(c.Key)]
		holds := false
		switch c.Kind {
		case kv.CondAbsent:
			holds = !ok
		case kv.CondExists:
			holds = ok
		case kv.CondRevision:
			holds = ok && have.Revision == c.Revision
		case kv.CondValue:
			holds = ok && bytes.Equal(have.Data, c.Value)
		case kv.CondAtMost:
			n := counter(c.Key)
			for _, o := range b.Ops {
				if o.Kind == kv.OpAdd && bytes.Equal(o.Key, c.Key) {
					n += o.Delta
				}
			}
			holds = n <= c.Limit
		}
		if !holds {
			return *ms, kv.ErrConditionFailed
		}
	}
	after := modelShard{ms.index + 1, maps.Clone(ms.rows)}
	for _, o := range b.Ops {
		switch o.Kind {
		case kv.OpPut:
			after.rows[string(o.Key)] = kv.Value{Data: o.Value, Revision: after.index}
		case kv.OpDelete:
			delete(after.rows, string(o.Key))
		case kv.OpAdd:
			after.rows[string(o.Key)] = kv.Value{Data: kv.EncodeCounter(counter(o.Key) + o.Delta), Revision: after.index}
		case kv.OpDeleteRange:
			maps.DeleteFunc(after.rows, func(k string, _ kv.Value) bool {
				return k >= string(o.Key) && k < string(o.Value)
			})
		}
	}
	return after, nil
}

// invalid repeats the rules on operations in the plainest way.
func invalid(b *kv.Batch) bool {
	span := func(o kv.Op) (string, string) {
		if o.Kind == kv.OpDeleteRange {
			return string(o.Key), string(o.Value)
		}
		return string(o.Key), string(o.Key) + "\x00"
	}
	for i, o := range b.Ops {
		lo, hi := span(o)
		if lo >= hi {
			return true
		}
		for _, p := range b.Ops[:i] {
			if plo, phi := span(p); lo < phi && plo < hi {
				return true
			}
		}
	}
	return false
}

func (m *modelRun) getStep() {
	s, ms := m.draw()
	k := m.key()
	got, err := m.st.Get(m.ctx(), s, []byte(k))
	m.compareGet(k, got, err, ms)
}

func (m *modelRun) compareGet(k string, got kv.Value, err error, ms *modelShard) {
	want, ok := ms.rows[k]
	switch {
	case !ok && errors.Is(err, kv.ErrNotFound):
	case ok && err == nil && bytes.Equal(got.Data, want.Data) && got.Revision == want.Revision:
	default:
		m.Errorf("get %q: got %d bytes at %d, %v, want %d bytes at %d, there %v",
			k, len(got.Data), got.Revision, err, len(want.Data), want.Revision, ok)
	}
}

// scanStep reads from a random view, old or new.
func (m *modelRun) scanStep() {
	if len(m.views) == 0 {
		m.openView()
	}
	v := m.views[m.rng.IntN(len(m.views))]
	k := m.key()
	got, err := v.view.Get([]byte(k))
	m.compareGet(k, got, err, &v.shard)
	var o kv.ScanOptions
	if m.rng.IntN(3) > 0 {
		o.Lower = []byte(m.key())
	}
	if m.rng.IntN(3) > 0 {
		o.Upper = []byte(m.key())
	}
	backward := m.rng.IntN(2) == 0
	rows, err := scan(v.view, o, backward)
	if err != nil {
		m.Errorf("scan: %v", err)
	}
	m.compareScan(rows, o, backward, &v.shard)
	m.seekStep(v)
}

func (m *modelRun) compareScan(rows []row, o kv.ScanOptions, backward bool, ms *modelShard) {
	var want []string
	for _, k := range slices.Sorted(maps.Keys(ms.rows)) {
		if k >= string(o.Lower) && (o.Upper == nil || k < string(o.Upper)) {
			want = append(want, k)
		}
	}
	if backward {
		slices.Reverse(want)
	}
	if len(rows) != len(want) {
		m.Errorf("scan [%q, %q): %d rows, want %d", o.Lower, o.Upper, len(rows), len(want))
		return
	}
	for i, r := range rows {
		if w := ms.rows[want[i]]; r.key != want[i] || r.value != string(w.Data) || r.rev != w.Revision {
			m.Errorf("scan row %d is %q at %d, want %q at %d", i, r.key, r.rev, want[i], w.Revision)
			return
		}
	}
}

// seekStep drives one iterator by random moves and follows it on the sorted keys.
func (m *modelRun) seekStep(v modelView) {
	sorted := slices.Sorted(maps.Keys(v.shard.rows))
	it := v.view.Scan(kv.ScanOptions{})
	at := -2 // not positioned
	for range 8 {
		k, ok := m.key(), false
		n, _ := slices.BinarySearch(sorted, k)
		switch move := m.rng.IntN(6); {
		case move == 0:
			ok, at = it.First(), 0
		case move == 1:
			ok, at = it.Last(), len(sorted)-1
		case move == 2:
			ok, at = it.SeekGE([]byte(k)), n
		case move == 3:
			ok, at = it.SeekLT([]byte(k)), n-1
		case at < 0 || at >= len(sorted):
			continue // moving on from nowhere is not defined
		case move == 4:
			ok = it.Next()
			at++
		default:
			ok = it.Prev()
			at--
		}
		in := at >= 0 && at < len(sorted)
		if ok != in || it.Valid() != in || in && string(it.Key()) != sorted[at] {
			m.Errorf("iterator: moved %v, want key %d of %q", ok, at, strings.Join(sorted, " "))
			break
		}
	}
	if err := it.Close(); err != nil {
		m.Errorf("iterator: %v", err)
	}
}

func (m *modelRun) openView() {
	s, ms := m.draw()
	v, err := m.st.View(m.ctx(), s)
	if err != nil {
		m.Fatalf("view: %v", err)
	}
	if v.Index() != ms.index {
		m.Errorf("view of shard %d at %d, want %d", s, v.Index(), ms.index)
	}
	m.views = append(m.views, modelView{v, *ms}) // rows are replaced by commits, never changed
}

func (m *modelRun) closeView() {
	if len(m.views) == 0 {
		return
	}
	i := m.rng.IntN(len(m.views))
	if err := m.views[i].view.Close(); err != nil {
		m.Errorf("close view: %v", err)
	}
	m.views = slices.Delete(m.views, i, i+1)
}

func (m *modelRun) checkAll() {
	for s := range m.shards {
		m.compareScan(m.rows(kv.Shard(s)), kv.ScanOptions{}, false, &m.shards[s])
	}
}
