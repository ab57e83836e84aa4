package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// runLifecycle measures what works through a whole bucket: a listing of its versions, then a lifecycle pass that ends or
// covers all of them, and what requests to another bucket feel of it. The bucket has c.million versions, two of each key. In
// a -dir that is kept, a second run finds them there.
func runLifecycle(ctx context.Context, c config, server *harness.Server) error {
	t := ourTarget(server)
	if err := t.prepare(); err != nil {
		return err
	}
	e := newEnv(c, t)
	defer e.close()
	bucket := e.bucket + "-versions"
	if err := fillVersions(ctx, e, bucket); err != nil {
		return err
	}
	if err := e.fill(ctx, "read", 4*kib, e.readSet()); err != nil {
		return err
	}
	if c.fill {
		stop, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return server.Stop(stop)
	}
	if err := listVersions(ctx, e, bucket); err != nil {
		return err
	}
	return lifecyclePass(ctx, e, bucket)
}

func fillVersions(ctx context.Context, e *env, bucket string) error {
	c := e.clients[0]
	keys := e.million / 2
	if c.headObject(bucket, listKey(shuffled(keys-1))+"-done") == nil {
		return nil
	}
	c.reset("PUT", "/"+bucket, "")
	if err := c.want(200, nil); err != nil {
		return err
	}
	c.reset("PUT", "/"+bucket, "versioning=").Body = []byte("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	if err := c.want(200, nil); err != nil {
		return err
	}
	body := e.payloads(1, 64)
	for range 2 {
		start := time.Now()
		if _, err := drive(ctx, e.target, e.workers(32, func(c *client, seq int) (int64, error) {
			return 1, c.put(bucket, listKey(shuffled(seq)), body.at(seq), false)
		}), 0, keys); err != nil {
			return err
		}
		fmt.Printf("filled %d versions, %.0f/s\n", keys, float64(keys)/time.Since(start).Seconds())
	}
	return c.put(bucket, listKey(shuffled(keys-1))+"-done", body.at(0), false)
}

// listVersions lists everything.
func listVersions(ctx context.Context, e *env, bucket string) error {
	c, query, versions := e.clients[0], "versions=", 0
	s, err := drive(ctx, e.target, []worker{func(int) (int64, error) {
		c.reset("GET", "/"+bucket, query).SHA256 = wire.EmptySHA256
		var body bytes.Buffer
		if err := c.want(200, func(b []byte) error { _, err := body.Write(b); return err }); err != nil {
			return 0, err
		}
		b := body.Bytes()
		versions += bytes.Count(b, []byte("<VersionId>"))
		key := between(b, "<NextKeyMarker>", "</NextKeyMarker>")
		if key == "" {
			return 0, errExhausted
		}
		query = "key-marker=" + wire.Escape(key, false) + "&version-id-marker=" + between(b, "<NextVersionIdMarker>", "</NextVersionIdMarker>") + "&versions="
		return 0, nil
	}}, time.Hour, 0)
	if err != nil {
		return err
	}
	fmt.Printf("LIST of %d versions: %d pages in %v, %.2f ms per page at p50, %.2f at p99; peak RSS %.0f MiB\n", versions, s.Ops+1,
		s.Elapsed.Round(time.Millisecond), float64(s.P50)/1e6, float64(s.P99)/1e6, mibs(s.PeakRSS))
	if versions < e.million {
		return fmt.Errorf("the listing gave %d versions, want %d", versions, e.million)
	}
	return nil
}

// foreground is small requests of 8 clients to another bucket.
func foreground(ctx context.Context, e *env, d time.Duration) (get, put sample, err error) {
	body := e.payloads(4*kib, 64)
	get, err = drive(ctx, e.target, e.workers(8, func(c *client, _ int) (int64, error) {
		return 4 * kib, getSmall(e, c, rand.IntN(e.readSet()))
	}), d, 0)
	if err != nil {
		return get, put, err
	}
	put, err = drive(ctx, e.target, e.workers(8, func(c *client, seq int) (int64, error) {
		return 4 * kib, c.put(e.bucket, keyOf("beside", seq), body.at(seq), false)
	}), d, 0)
	return get, put, err
}

func lifecyclePass(ctx context.Context, e *env, bucket string) error {
	window := e.duration
	get0, put0, err := foreground(ctx, e, 2*window)
	if err != nil {
		return err
	}
	fmt.Printf("beside nothing:     GET p50 %.2f p99 %.2f ms, %.0f/s; PUT p50 %.2f p99 %.2f ms, %.0f/s; RSS %.0f MiB\n", ms(get0.P50), ms(get0.P99), get0.rate(),
		ms(put0.P50), ms(put0.P99), put0.rate(), mibs(e.usage().RSS))
	c := e.clients[31]
	c.reset("PUT", "/"+bucket, "lifecycle=").Body = []byte(`<LifecycleConfiguration><Rule><ID>all</ID><Status>Enabled</Status><Filter></Filter>` +
		`<Expiration><Date>2020-01-01T00:00:00Z</Date></Expiration></Rule></LifecycleConfiguration>`)
	if err := c.want(200, nil); err != nil {
		return err
	}
	type outcome struct {
		text string
		err  error
		took time.Duration
	}
	e.resetPeak()
	done := make(chan outcome, 1)
	go func() {
		begin := time.Now()
		text, err := e.server.CLI("admin", "lifecycle")
		done <- outcome{text, err, time.Since(begin)}
	}()
	var get, put []sample
	for {
		g, p, err := foreground(ctx, e, window)
		if err != nil {
			return err
		}
		select {
		case o := <-done:
			if o.err != nil {
				return o.err
			}
			if len(get) == 0 {
				get, put = append(get, g), append(put, p)
			}
			report(e, get, put, get0, put0)
			fmt.Printf("the pass took %v: %s", o.took.Round(time.Millisecond), o.text)
			return check(c, bucket)
		default:
			get, put = append(get, g), append(put, p)
		}
	}
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func report(e *env, get, put []sample, get0, put0 sample) {
	worst := func(list []sample) (p50, p99, rate float64) {
		var p50s, p99s, rates []float64
		for _, s := range list {
			p50s, p99s, rates = append(p50s, ms(s.P50)), append(p99s, ms(s.P99)), append(rates, s.rate())
		}
		return figureOf(p50s).median, figureOf(p99s).median, figureOf(rates).median
	}
	g50, g99, gr := worst(get)
	p50, p99, pr := worst(put)
	fmt.Printf("beside the pass:    GET p50 %.2f p99 %.2f ms, %.0f/s; PUT p50 %.2f p99 %.2f ms, %.0f/s (medians of %d windows)\n", g50, g99, gr, p50, p99, pr, len(get))
	fmt.Printf("p99 beside the pass against before: GET %.2f, PUT %.2f; peak RSS %.0f MiB\n", g99/ms(get0.P99), p99/ms(put0.P99), mibs(e.usage().PeakRSS))
}

var errLeft = errors.New("the pass left objects")

// check looks for what the pass should have ended.
func check(c *client, bucket string) error {
	keys, _, _, err := c.page(bucket, "list-type=2&max-keys=1000")
	if err == nil && keys > 0 {
		err = fmt.Errorf("%w: %d on the first page", errLeft, keys)
	}
	return err
}
