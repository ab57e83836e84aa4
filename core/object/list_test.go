package object_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/aureole-cloud/aureole/core/object"
)

// TestPagesShareNothing: pages whose memory goes back and pages that are kept, made at the same time, each hold their own
// entries, and a page that was kept still does at the end.
func TestPagesShareNothing(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	const keys = 300
	for i := range keys {
		w.put("bkt", fmt.Sprintf("p%d/%04d", i%3, i), body(i, i%5))
	}
	check := func(p *object.ListPage, prefix, max int) {
		if len(p.Entries) != max || !p.Truncated {
			t.Errorf("page of prefix %d: %d entries, want %d", prefix, len(p.Entries), max)
		}
		for i, e := range p.Entries {
			n := i*3 + prefix
			if e.Key != fmt.Sprintf("p%d/%04d", prefix, n) || e.Size != int64(n%5) || e.ETag != etagOf(body(n, n%5)) || e.Owner.CanonicalID != alice.CanonicalID {
				t.Fatalf("entry %d of prefix %d: %+v", i, prefix, e)
			}
		}
	}
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			kept := map[int]*object.ListPage{}
			for i := range 60 {
				prefix, max := (g+i)%3, 1+(g*31+i*7)%90
				p, err := w.List(ctx, alice, &object.ListInput{Bucket: "bkt", Prefix: fmt.Sprintf("p%d/", prefix), MaxKeys: max})
				if err != nil {
					t.Error(err)
					return
				}
				check(p, prefix, max)
				if i%2 == 0 {
					p.Release()
				} else if len(kept) < 10 {
					kept[i] = p
				}
			}
			for i, p := range kept {
				check(p, (g+i)%3, 1+(g*31+i*7)%90)
			}
		})
	}
	all.Wait()
}

// TestAllocations bounds what requests allocate. A page may not allocate by entry: it takes 40, and several hundred under the race
// detector, which makes pools forget.
func TestAllocations(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	for i := range 1000 {
		w.put("bkt", fmt.Sprintf("p%02d/%04d", i%50, i), body(i, 10))
	}
	w.put("bkt", "x", body(1, 4096))
	page, head, get := 150.0, 11.0, 15.0
	if raceEnabled {
		page, head, get = 900, 15, 20
	}
	for _, c := range []struct {
		name string
		most float64
		f    func() error
	}{
		{"head", head, func() error { _, err := w.Head(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "x"}); return err }},
		{"get", get, func() error {
			res, err := w.Get(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "x"})
			if err == nil {
				err = res.Body.Close()
			}
			return err
		}},
		{"list", page, func() error { w.list(object.ListInput{Bucket: "bkt", MaxKeys: 1000}).Release(); return nil }},
		{"list with delimiter", page, func() error {
			w.list(object.ListInput{Bucket: "bkt", MaxKeys: 1000, Delimiter: "/"}).Release()
			return nil
		}},
	} {
		n := testing.AllocsPerRun(50, func() {
			if err := c.f(); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %v allocations", c.name, n)
		if n > c.most {
			t.Errorf("%s: %v allocations, want %v at most", c.name, n, c.most)
		}
	}
}
