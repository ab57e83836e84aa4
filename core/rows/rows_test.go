package rows_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/tinylib/msgp/msgp"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local/localtest"
)

// text is a record.
type text string

func (t *text) MarshalMsg(b []byte) ([]byte, error) { return msgp.AppendString(b, string(*t)), nil }
func (t *text) Msgsize() int                        { return msgp.StringPrefixSize + len(*t) }
func (t *text) UnmarshalMsg(b []byte) ([]byte, error) {
	s, rest, err := msgp.ReadStringBytes(b)
	*t = text(s)
	return rest, err
}

func TestRecords(t *testing.T) {
	const schema rows.Schema = 2
	in := text("hello")
	data := schema.Encode(&in)
	if data[0] != 2 {
		t.Errorf("the first byte is %d, want the schema", data[0])
	}
	older := bytes.Clone(data)
	older[0] = 1
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"as written":        {data, nil},
		"an older schema":   {older, nil},
		"a newer schema":    {append([]byte{3}, data[1:]...), rows.ErrSchema},
		"no schema":         {append([]byte{0}, data[1:]...), rows.ErrMalformed},
		"empty":             {nil, rows.ErrMalformed},
		"only the schema":   {data[:1], rows.ErrMalformed},
		"cut off":           {data[:len(data)-1], rows.ErrMalformed},
		"with more behind":  {append(bytes.Clone(data), 0), rows.ErrMalformed},
		"of another a type": {[]byte{2, 0xc0}, rows.ErrMalformed},
	} {
		var out text
		err := schema.Decode(c.data, &out)
		if !errors.Is(err, c.want) || err == nil && out != in {
			t.Errorf("%s: %q, %v; want %v", name, out, err, c.want)
		}
	}
}

func TestFailed(t *testing.T) {
	for err, want := range map[error]errs.Kind{
		kv.ErrNoSpace:              errs.NoSpace,
		kv.ErrClosed:               errs.Unavailable,
		kv.ErrUnknownOutcome:       errs.Unavailable,
		kv.ErrFailed:               errs.Internal,
		&errs.E{Kind: errs.Denied}: errs.Denied,
	} {
		if got := errs.KindOf(rows.Failed("op", fmt.Errorf("around: %w", err))); got != want {
			t.Errorf("%v is of kind %v, want %v", err, got, want)
		}
	}
	if err := rows.Failed("op", nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}

// store is a real store whose watches can be cut.
type store struct {
	kv.Store
	mu      sync.Mutex
	cutters []context.CancelCauseFunc
}

func openStore(t *testing.T) *store { return &store{Store: localtest.Open(t, vfs.NewMem())} }

func (s *store) Watch(ctx context.Context, shard kv.Shard, from kv.Index) (kv.Watcher, error) {
	w, err := s.Store.Watch(ctx, shard, from)
	if err != nil {
		return nil, err
	}
	cut, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cutters = append(s.cutters, cancel)
	return &watcher{w, cut}, nil
}

// cut makes all watches end as those do that fell too far behind, with the commits of meanwhile lost.
func (s *store) cut(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cutters {
		c(err)
	}
	s.cutters = nil
}

type watcher struct {
	kv.Watcher
	cut context.Context
}

func (w *watcher) Next(ctx context.Context) (kv.Event, error) {
	both, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.cut, cancel)()
	ev, err := w.Watcher.Next(both)
	if w.cut.Err() != nil {
		return kv.Event{}, context.Cause(w.cut)
	}
	return ev, err
}

func (s *store) put(t *testing.T, key, value string) kv.Index {
	t.Helper()
	var b kv.Batch
	b.Put([]byte(key), []byte(value))
	return s.commit(t, &b)
}

func (s *store) commit(t *testing.T, b *kv.Batch) kv.Index {
	t.Helper()
	res, err := s.Commit(t.Context(), kv.Control, b)
	if err != nil {
		t.Fatal(err)
	}
	return res.Index
}

// memory is the rows below "a." as a map.
type memory struct {
	mu   sync.Mutex
	rows map[string]string
}

func (m *memory) load(it kv.Iterator, _ kv.Index) error {
	all := map[string]string{}
	for ok := it.First(); ok; ok = it.Next() {
		all[string(it.Key())] = string(it.Value())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = all
	return nil
}

func (m *memory) apply(ev kv.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range ev.Puts {
		if strings.HasPrefix(string(p.Key), "a.") {
			m.rows[string(p.Key)] = string(p.Value)
		}
	}
	for _, row := range ev.Deletes {
		delete(m.rows, string(row))
	}
}

func (m *memory) holds(t *testing.T, want map[string]string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !maps.Equal(m.rows, want) {
		t.Errorf("the memory holds %v, want %v", m.rows, want)
	}
}

func follow(t *testing.T, s kv.Store) (*rows.Follower, *memory) {
	t.Helper()
	m := &memory{}
	f, err := rows.Follow(t.Context(), s, slog.New(slog.DiscardHandler),
		rows.Memory{Prefix: "a.", What: "letters", Load: m.load, Apply: m.apply})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f, m
}

func TestFollowerHoldsWhatWasCommitted(t *testing.T) {
	s := openStore(t)
	s.put(t, "a.1", "one")
	s.put(t, "b.1", "of another domain")
	f, m := follow(t, s)
	m.holds(t, map[string]string{"a.1": "one"})

	var b kv.Batch
	b.Put([]byte("a.2"), []byte("two"))
	b.Delete([]byte("a.1"))
	if err := f.Await(t.Context(), s.commit(t, &b)); err != nil {
		t.Fatal(err)
	}
	m.holds(t, map[string]string{"a.2": "two"})

	s.put(t, "a.3", "three")
	if err := f.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.holds(t, map[string]string{"a.2": "two", "a.3": "three"})
}

func TestFollowerListsAgainWhenItsWatchEnds(t *testing.T) {
	for _, why := range []error{kv.ErrCompacted, errors.New("the device stuttered")} {
		s := openStore(t)
		s.put(t, "a.1", "one")
		f, m := follow(t, s)
		for i := range 3 {
			s.cut(why)
			index := s.put(t, "a.1", fmt.Sprint(i))
			if err := f.Await(t.Context(), index); err != nil {
				t.Fatalf("%v: %v", why, err)
			}
			m.holds(t, map[string]string{"a.1": fmt.Sprint(i)})
		}
	}
}

func TestFollowerStops(t *testing.T) {
	s := openStore(t)
	f, _ := follow(t, s)
	index := s.put(t, "a.1", "one")
	f.Close()
	if err := f.Await(t.Context(), index+1); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("waiting for what a closed follower will never hold: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, _ = follow(t, s)
	if err := f.Await(ctx, index+1); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with a context that ended: %v", err)
	}
}

func TestFollowRefusesRowsThatDoNotLoad(t *testing.T) {
	bad := errors.New("bad row")
	_, err := rows.Follow(t.Context(), openStore(t), slog.New(slog.DiscardHandler), rows.Memory{
		Prefix: "a.", What: "letters", Load: func(kv.Iterator, kv.Index) error { return bad }, Apply: func(kv.Event) {}})
	if !errors.Is(err, bad) || !strings.Contains(err.Error(), "letters") {
		t.Errorf("got %v", err)
	}
}

// A cache that reads again whenever it is told to ends with what was written last, wherever its watch was cut.
func TestInvalidateMissesNothing(t *testing.T) {
	for _, why := range []error{kv.ErrCompacted, errors.New("the device stuttered")} {
		s := openStore(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		read := make(chan string, 10_000)
		again := func() {
			v, err := s.Get(ctx, kv.Control, []byte("a.1"))
			if err != nil && !errors.Is(err, kv.ErrNotFound) && ctx.Err() == nil {
				t.Error(err)
			}
			read <- string(v.Data)
		}
		var done sync.WaitGroup
		done.Go(func() {
			rows.Invalidate(ctx, s, slog.New(slog.DiscardHandler), again, func(row []byte) {
				if string(row) == "a.1" {
					again()
				}
			})
		})
		until := func(want string) {
			t.Helper()
			for {
				select {
				case got := <-read:
					if got == want {
						return
					}
				case <-time.After(time.Minute):
					t.Fatalf("%v: the cache was not told of %q", why, want)
				}
			}
		}
		until("")
		for i := range 5 {
			s.put(t, "a.1", fmt.Sprint(i, " followed"))
			until(fmt.Sprint(i, " followed"))
			s.cut(why)
			s.put(t, "a.1", fmt.Sprint(i, " cut"))
			until(fmt.Sprint(i, " cut"))
			var b kv.Batch
			b.Delete([]byte("a.1"))
			s.commit(t, &b)
			until("")
		}
		cancel()
		done.Wait()
	}
}
