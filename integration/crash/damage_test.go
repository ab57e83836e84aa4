package crash

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// segments finds the segment files of a data folder.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "blobs", "segments", "*.seg"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no segments below %s: %v", dir, err)
	}
	return files
}

// flip changes one bit in every few kilobytes of a file, in place.
func flip(t *testing.T, file string, every int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, uint64(info.Size())))
	var b [1]byte
	for at := rng.Int64N(every); at < info.Size(); at += every/2 + rng.Int64N(every) {
		if _, err := f.ReadAt(b[:], at); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 1 << rng.IntN(8)
		if _, err := f.WriteAt(b[:], at); err != nil {
			t.Fatal(err)
		}
	}
}

func truncate(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err == nil {
		err = os.Truncate(file, info.Size()/5)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDamageOfOneDevice hurts one of three devices in every way, while it serves and while it is down. Every read
// stays right, and afterwards the hurt device alone can serve everything: it was really repaired.
func TestDamageOfOneDevice(t *testing.T) {
	s := harness.Start(t, harness.Options{Devices: 3})
	makeBucket(t, s)
	l := fill(t, s, 70)
	hurt := s.Data[1]

	check := func(what string, damage func(), wantRepairs bool) {
		t.Helper()
		begin := time.Now()
		stop := l.watch(2)
		damage()
		c := &wire.Client{Target: l.target}
		defer c.Close()
		for range 3 {
			if _, err := l.readAll(c, false); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		repaired, err := s.Scrub()
		if err != nil {
			t.Fatal(err)
		}
		if passes, err := stop(); err != nil {
			t.Fatalf("%s: after %d passes: %v", what, passes, err)
		}
		again, err := s.Scrub()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: first scrub %+v, second %+v, %v in all", what, repaired, again, time.Since(begin).Round(time.Millisecond))
		if again.Corrupt != 0 || again.Unreadable != 0 || again.Unrepairable != 0 {
			t.Errorf("%s: a second scrub still finds damage: %+v", what, again)
		}
		if copies := int64(3 * blobObjects(l)); again.Copies < copies {
			t.Errorf("%s: %d copies after repair, want at least %d", what, again.Copies, copies)
		}
		total, _, err := s.SumMetric("aureole_repair_repaired_copies_total")
		if err != nil {
			t.Fatal(err)
		}
		if wantRepairs && total == 0 {
			t.Errorf("%s: nothing was repaired", what)
		}
	}
	check("bits flipped", func() {
		for _, f := range segments(t, hurt) {
			flip(t, f, 40<<10)
		}
	}, true)
	check("files cut short", func() {
		for _, f := range segments(t, hurt) {
			truncate(t, f)
		}
	}, true)
	restart := func(damage func()) {
		t.Helper()
		s.Kill()
		damage()
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
	}
	restart(func() {
		for _, f := range segments(t, hurt) {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	})
	check("files deleted while down", func() {}, true)
	restart(func() {
		for _, f := range segments(t, hurt) {
			flip(t, f, 100<<10)
		}
		if err := os.RemoveAll(filepath.Join(hurt, "blobs", "index")); err != nil {
			t.Fatal(err)
		}
	})
	check("bits flipped and index lost while down", func() {}, true)

	// Now the two good devices lose everything.
	restart(func() {
		for _, dir := range []string{s.Data[0], s.Data[2]} {
			for _, f := range segments(t, dir) {
				if err := os.Remove(f); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	c := &wire.Client{Target: l.target}
	defer c.Close()
	if _, err := l.readAll(c, false); err != nil {
		t.Errorf("the repaired device alone: %v", err)
	}
	if _, err := s.Scrub(); err != nil {
		t.Fatal(err)
	}
	again, err := s.Scrub()
	if err != nil {
		t.Fatal(err)
	}
	if copies := int64(3 * blobObjects(l)); again.Copies < copies || again.Corrupt+again.Unreadable+again.Unrepairable != 0 {
		t.Errorf("after two of three devices lost everything: %+v, want %d good copies", again, copies)
	}
}

// blobObjects counts the objects that cannot be inline.
func blobObjects(l *library) int {
	n := 0
	for _, c := range l.bodies {
		if c.size > 64<<10 {
			n++
		}
	}
	return n
}

// TestDamageOfTheOnlyDevice has no other copy: reads are right or refused, and the damage is counted.
func TestDamageOfTheOnlyDevice(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	makeBucket(t, s)
	l := fill(t, s, 70)
	c := &wire.Client{Target: l.target}
	defer c.Close()
	for _, f := range segments(t, s.Data[0]) {
		flip(t, f, 300<<10)
	}
	read := func(when string) {
		t.Helper()
		o, err := l.readAll(c, true)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		t.Logf("%s: %d reads right, %d refused", when, o.right, o.refused)
		if o.refused == 0 || o.right == 0 {
			t.Errorf("%s: %d reads right, %d refused: want some of both", when, o.right, o.refused)
		}
	}
	read("damaged")
	found, err := s.Scrub()
	if err != nil {
		t.Fatal(err)
	}
	if found.Unrepairable == 0 || found.Repaired != 0 {
		t.Errorf("scrub says %+v, want copies that cannot be repaired", found)
	}
	for _, name := range []string{"aureole_device_corrupt_total", "aureole_repair_lost_copies"} {
		if n, _, err := s.SumMetric(name); err != nil || n == 0 {
			t.Errorf("metric %s = %v, %v; want the damage counted", name, n, err)
		}
	}
	read("after a scrub")
	s.Kill()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	read("after a restart")
	// What is damaged can still be deleted and written again.
	for _, name := range l.names {
		if reply, err := c.Do(&wire.Request{Method: "DELETE", Path: path(name)}); err != nil || reply.Status != 204 {
			t.Fatalf("DELETE %s: %v %v", name, reply, err)
		}
		if reply, err := c.Do(&wire.Request{Method: "PUT", Path: path(name), Body: l.bodies[name].bytes()}); err != nil || reply.Status != 200 {
			t.Fatalf("PUT %s: %v %v", name, reply, err)
		}
		b := l.bodies[name]
		b.parts = nil
		l.bodies[name] = b
	}
	if _, err := l.readAll(c, false); err != nil {
		t.Error(err)
	}
}
