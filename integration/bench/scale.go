package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// runScale grows one bucket to c.million objects and measures on the way: the cost of requests at each power of ten,
// then start-up time and memory with all of them, under uploads and under a listing of everything.
func runScale(ctx context.Context, c config, server *harness.Server) error {
	t := ourTarget(server)
	idle, err := server.Usage()
	if err != nil {
		return err
	}
	fmt.Printf("idle, empty store: RSS %.1f MiB, peak %.1f MiB\n", mibs(idle.RSS), mibs(idle.PeakRSS))
	if err := t.prepare(); err != nil {
		return err
	}
	e := newEnv(c, t)
	defer e.close()
	if err := grow(ctx, e); err != nil {
		return err
	}
	if err := restart(ctx, e); err != nil {
		return err
	}
	return memory(ctx, e)
}

func mibs(n int64) float64 { return float64(n) / mib }

// grow writes objects up to each power of ten and measures small operations there.
func grow(ctx context.Context, e *env) error {
	body := e.payloads(1, 64)
	var first map[string]float64
	fmt.Printf("\n%10s %12s %12s %12s %12s %12s %10s\n", "objects", "PUT/s", "GET/s", "HEAD/s", "LIST page ms", "fill/s", "RSS MiB")
	for have, next := 0, min(10_000, e.million); have < e.million; next = min(next*10, e.million) {
		start, base := time.Now(), have
		if _, err := drive(ctx, e.target, e.workers(32, func(c *client, seq int) (int64, error) {
			return 1, c.put(e.bucket, listKey(shuffled(base+seq)), body.at(shuffled(base+seq)), false)
		}), 0, next-base); err != nil {
			return err
		}
		filled := float64(next-base) / time.Since(start).Seconds()
		have = next
		figures := map[string]float64{}
		for _, op := range []struct {
			name string
			f    func(c *client, seq int) error
		}{
			{"put", func(c *client, seq int) error {
				n := shuffled(rand.IntN(have)) // overwrites, so that the number of objects stays
				return c.put(e.bucket, listKey(n), body.at(n), false)
			}},
			{"get", func(c *client, seq int) error {
				n := shuffled(rand.IntN(have))
				return c.get(e.bucket, listKey(n), body.at(n))
			}},
			{"head", func(c *client, seq int) error { return c.headObject(e.bucket, listKey(shuffled(rand.IntN(have)))) }},
			{"list", func(c *client, seq int) error {
				after := listKey(rand.IntN(have * 9 / 10)) // a full page follows
				_, _, _, err := c.page(e.bucket, "list-type=2&max-keys=1000&start-after="+after[:5]+"%2F"+after[6:])
				return err
			}},
		} {
			var rates, cpu []float64
			for range e.rounds {
				s, err := drive(ctx, e.target, e.workers(8, func(c *client, seq int) (int64, error) { return 1, op.f(c, seq) }), e.duration/2, 0)
				if err != nil {
					return err
				}
				rates = append(rates, s.rate())
				cpu = append(cpu, s.cpuPer1000())
				if op.name == "list" {
					rates[len(rates)-1] = float64(s.P50) / 1e6
				}
			}
			figures[op.name] = figureOf(rates).median
			figures[op.name+" cpu"] = figureOf(cpu).median
		}
		u := e.usage()
		fmt.Printf("%10d %12.0f %12.0f %12.0f %12.2f %12.0f %10.0f\n", have, figures["put"], figures["get"], figures["head"], figures["list"], filled, mibs(u.RSS))
		fmt.Printf("%10s %12.3f %12.3f %12.3f %12.3f   (server CPU seconds per 1,000 requests)\n", "", figures["put cpu"], figures["get cpu"],
			figures["head cpu"], figures["list cpu"])
		if first == nil {
			first = figures
		} else {
			fmt.Printf("%10s %12.2f %12.2f %12.2f %12.2f   (cost relative to the first line)\n", "", first["put"]/figures["put"],
				first["get"]/figures["get"], first["head"]/figures["head"], figures["list"]/first["list"])
			fmt.Printf("%10s %12.2f %12.2f %12.2f %12.2f   (CPU relative to the first line)\n", "", figures["put cpu"]/first["put cpu"],
				figures["get cpu"]/first["get cpu"], figures["head cpu"]/first["head cpu"], figures["list cpu"]/first["list cpu"])
		}
		if have >= e.million {
			return nil
		}
	}
	return nil
}

// shuffled spreads consecutive numbers over the key space, the same way each time: keys do not arrive sorted. The
// factor shares no divisor with the powers of ten that the sizes are.
func shuffled(n int) int {
	const block = 10_000
	return n/block*block + n%block*7919%block
}

// restart measures how long start-up takes with everything stored.
func restart(ctx context.Context, e *env) error {
	e.close()
	stop, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := e.server.Stop(stop); err != nil {
		return err
	}
	var clean, killed []float64
	for range e.rounds {
		begin := time.Now()
		if err := e.server.Start(); err != nil {
			return err
		}
		clean = append(clean, time.Since(begin).Seconds())
		e.server.Kill()
		begin = time.Now()
		if err := e.server.Start(); err != nil {
			return err
		}
		killed = append(killed, time.Since(begin).Seconds())
		if err := e.server.Stop(stop); err != nil {
			return err
		}
	}
	if err := e.server.Start(); err != nil {
		return err
	}
	u := e.usage()
	fmt.Printf("\nstart with %d objects: %.3f s, after kill -9 %.3f s; RSS then %.0f MiB\n", e.million, figureOf(clean).median, figureOf(killed).median, mibs(u.RSS))
	disk, err := harness.DiskUsage(e.data...)
	if err != nil {
		return err
	}
	fmt.Printf("disk: %.0f bytes per 1-byte object\n", float64(disk)/float64(e.million))
	return nil
}

// both writes half of the large objects again and again while it reads the other half.
func both(ctx context.Context, e *env, p payload) (sample, error) {
	readers := make([]*client, 32)
	for i := range readers {
		readers[i] = newClient(e.wire)
		defer readers[i].close()
	}
	list := e.workers(32, func(c *client, seq int) (int64, error) {
		return 64 * mib, c.put(e.bucket, fmt.Sprintf("zz-large/%d", seq%32), p, false)
	})
	for i, c := range readers {
		list = append(list, func(int) (int64, error) {
			return 64 * mib, c.get(e.bucket, fmt.Sprintf("zz-large/%d", 32+i), p)
		})
	}
	return drive(ctx, e.target, list, 0, 320)
}

// memory uploads 32 x 64 MiB at once, lists everything, and then uploads and downloads as many at once.
func memory(ctx context.Context, e *env) error {
	p := e.payloads(64*mib, 1).at(0)
	s, err := drive(ctx, e.target, e.workers(32, func(c *client, seq int) (int64, error) {
		return 64 * mib, c.put(e.bucket, fmt.Sprintf("zz-large/%d", seq), p, false)
	}), 0, 64)
	if err != nil {
		return err
	}
	fmt.Printf("32 concurrent uploads of 64 MiB with %d objects: %.0f MB/s, peak RSS %.0f MiB\n", e.million, s.megabytes(), mibs(s.PeakRSS))

	token, keys, c := "", 0, e.clients[0]
	s, err = drive(ctx, e.target, []worker{func(int) (int64, error) {
		query := "list-type=2"
		if token != "" {
			query = "continuation-token=" + wire.Escape(token, false) + "&" + query
		}
		n, _, next, err := c.page(e.bucket, query)
		keys += n
		if err == nil && next == "" {
			err = errExhausted
		}
		token = next
		return 0, err
	}}, time.Hour, 0)
	if err != nil {
		return err
	}
	u := e.usage()
	fmt.Printf("LIST of %d keys: %d pages in %v, %.2f ms per page at p50, peak RSS %.0f MiB, RSS %.0f MiB\n", keys, s.Ops+1, s.Elapsed.Round(time.Millisecond),
		float64(s.P50)/1e6, mibs(s.PeakRSS), mibs(u.RSS))
	if want := e.million + 64; keys != want {
		return fmt.Errorf("the listing gave %d keys, want %d", keys, want)
	}
	if s, err = both(ctx, e, p); err != nil { // last, when the caches are full
		return err
	}
	fmt.Printf("32 uploads and 32 downloads of 64 MiB at once: %.0f MB/s, peak RSS %.0f MiB\n", s.megabytes(), mibs(s.PeakRSS))
	return nil
}
