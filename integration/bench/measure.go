package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// measureAll runs every selected scenario: each round measures all targets, one after the other.
func measureAll(ctx context.Context, c config, targets []*target) (*table, error) {
	t := &table{}
	envs := make([]*env, len(targets))
	for i, tg := range targets {
		envs[i] = newEnv(c, tg)
		defer envs[i].close()
	}
	for _, sc := range scenarios() {
		if !c.selected(sc.name) {
			continue
		}
		row := &row{Name: sc.name, Title: sc.title, MB: sc.mb, Samples: make([][]sample, len(targets))}
		for i, e := range envs {
			if sc.prepare == nil {
				continue
			}
			if err := sc.prepare(ctx, e); err != nil {
				return nil, fmt.Errorf("%s: prepare %s: %w", targets[i].name, sc.name, err)
			}
		}
		for round := range c.rounds {
			for i, e := range envs {
				e.round = round
				finish := func() error { return nil }
				if c.pprof != "" && round == 0 && e.server != nil {
					finish = profile(e.server, filepath.Join(c.pprof, sc.name+".cpu"), c.duration)
				}
				s, err := sc.run(ctx, e)
				if err != nil {
					return nil, fmt.Errorf("%s: %s: %w", targets[i].name, sc.name, err)
				}
				if err := finish(); err != nil {
					return nil, fmt.Errorf("profile: %w", err)
				}
				row.Samples[i] = append(row.Samples[i], s)
			}
		}
		row.print(os.Stdout, targets)
		t.Rows = append(t.Rows, row)
	}
	if c.selected("disk") {
		for _, e := range envs {
			if err := disk(ctx, e, t); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// profile takes a CPU profile from the admin listener while a scenario runs.
func profile(s *harness.Server, file string, d time.Duration) func() error {
	done := make(chan error, 1)
	go func() {
		seconds := max(1, int(d.Seconds()))
		resp, err := http.Get(fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", s.Admin, seconds))
		if err != nil {
			done <- err
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 {
			done <- fmt.Errorf("the admin listener says %s", resp.Status)
			return
		}
		f, err := os.Create(file)
		if err != nil {
			done <- err
			return
		}
		_, err = io.Copy(f, resp.Body)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		done <- err
	}()
	return func() error { return <-done }
}

// disk measures how much a small object takes on our disks, after a restart has flushed what was in memory. The
// server is stopped for it, so this comes last.
func disk(ctx context.Context, e *env, t *table) error {
	if e.server == nil || e.config.quick {
		return nil
	}
	const count = 50_000
	for _, size := range []int{1, 4 * kib} {
		before, err := e.settledDisk(ctx)
		if err != nil {
			return err
		}
		if err := e.fill(ctx, fmt.Sprintf("disk-%d", size), size, count); err != nil {
			return err
		}
		after, err := e.settledDisk(ctx)
		if err != nil {
			return err
		}
		per := float64(after-before) / count
		fmt.Printf("disk: %.0f bytes per %d-byte object\n", per, size)
		t.Disk = append(t.Disk, diskFigure{Size: size, PerObject: per})
	}
	return nil
}

// settledDisk restarts the server, gives compactions a moment, and measures its folders.
func (e *env) settledDisk(ctx context.Context) (int64, error) {
	e.close()
	stop, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	if err := e.server.Stop(stop); err != nil {
		return 0, err
	}
	if err := e.server.Start(); err != nil {
		return 0, err
	}
	last := int64(-1)
	for range 30 {
		n, err := harness.DiskUsage(e.data...)
		if err != nil {
			return 0, err
		}
		if n == last {
			return n, nil
		}
		last = n
		time.Sleep(2 * time.Second)
	}
	return last, nil
}
