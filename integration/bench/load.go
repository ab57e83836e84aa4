package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// sample is one measurement of one scenario on one target.
type sample struct {
	Ops     int           `json:"ops"`
	Bytes   int64         `json:"bytes"`
	Elapsed time.Duration `json:"elapsed"`
	P50     time.Duration `json:"p50"`
	P99     time.Duration `json:"p99"`
	CPU     time.Duration `json:"cpu"`
	PeakRSS int64         `json:"peak_rss"`
}

func (s sample) rate() float64 {
	if s.Elapsed == 0 {
		return 0
	}
	return float64(s.Ops) / s.Elapsed.Seconds()
}

func (s sample) megabytes() float64 {
	if s.Elapsed == 0 {
		return 0
	}
	return float64(s.Bytes) / s.Elapsed.Seconds() / 1e6
}

// cpuPer1000 is the server's CPU seconds for 1,000 operations.
func (s sample) cpuPer1000() float64 {
	if s.Ops == 0 {
		return 0
	}
	return s.CPU.Seconds() * 1000 / float64(s.Ops)
}

// worker does one operation and says how many bytes it moved. seq counts the operations of all workers.
type worker func(seq int) (int64, error)

// drive runs workers at once until the time is over or limit operations are done (0: no limit), and measures.
func drive(ctx context.Context, t *target, workers []worker, d time.Duration, limit int) (sample, error) {
	t.resetPeak()
	before := t.usage()
	latencies := make([][]time.Duration, len(workers))
	var bytes atomic.Int64
	var seq atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, len(workers))
	start := time.Now()
	end := start.Add(d)
	for i, w := range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				n := int(seq.Add(1)) - 1
				if limit > 0 && n >= limit {
					return
				}
				begin := time.Now()
				if limit == 0 && begin.After(end) {
					return
				}
				moved, err := w(n)
				if errors.Is(err, errExhausted) {
					return
				}
				if err != nil {
					errs <- err
					return
				}
				latencies[i] = append(latencies[i], time.Since(begin))
				bytes.Add(moved)
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	after := t.usage()
	select {
	case err := <-errs:
		return sample{}, err
	default:
	}
	if err := ctx.Err(); err != nil {
		return sample{}, err
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	s := sample{Ops: len(all), Bytes: bytes.Load(), Elapsed: elapsed, CPU: after.CPU - before.CPU, PeakRSS: after.PeakRSS}
	if len(all) > 0 {
		s.P50, s.P99 = all[len(all)/2], all[len(all)*99/100]
	}
	return s, nil
}

// errExhausted ends a worker without an error: there is nothing left to do.
var errExhausted = errors.New("nothing left to do")
