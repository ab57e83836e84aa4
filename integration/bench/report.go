package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// table is the outcome of a run.
type table struct {
	Rows []*row       `json:"rows"`
	Disk []diskFigure `json:"disk,omitempty"`
}

type diskFigure struct {
	Size      int     `json:"size"`
	PerObject float64 `json:"bytes_per_object"`
}

// row is a scenario; Samples are by target and round.
type row struct {
	Name    string     `json:"name"`
	Title   string     `json:"title"`
	MB      bool       `json:"megabytes"`
	Samples [][]sample `json:"samples"`
}

// figure is the median over rounds and how far the rounds lie apart: half the range, relative to the median.
type figure struct{ median, spread float64 }

func figureOf(values []float64) figure {
	if len(values) == 0 {
		return figure{}
	}
	v := slices.Clone(values)
	slices.Sort(v)
	m := v[len(v)/2]
	if len(v)%2 == 0 {
		m = (v[len(v)/2-1] + v[len(v)/2]) / 2
	}
	f := figure{median: m}
	if m > 0 {
		f.spread = (v[len(v)-1] - v[0]) / 2 / m
	}
	return f
}

func (r *row) figure(target int, of func(sample) float64) figure {
	var values []float64
	for _, s := range r.Samples[target] {
		values = append(values, of(s))
	}
	return figureOf(values)
}

func (r *row) speed(s sample) float64 {
	if r.MB {
		return s.megabytes()
	}
	return s.rate()
}

// ratio is our figure over the peer's, round by round: each round's pair was measured side by side.
func (r *row) ratio(of func(sample) float64) (figure, bool) {
	if len(r.Samples) < 2 {
		return figure{}, false
	}
	var values []float64
	for i := range r.Samples[0] {
		if peer := of(r.Samples[1][i]); peer > 0 {
			values = append(values, of(r.Samples[0][i])/peer)
		}
	}
	return figureOf(values), len(values) > 0
}

func (r *row) print(w io.Writer, targets []*target) {
	fmt.Fprintf(w, "\n%s (%s)\n", r.Title, r.Name)
	unit := "/s"
	if r.MB {
		unit = " MB/s"
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, t := range targets {
		f := r.figure(i, r.speed)
		fmt.Fprintf(tw, "  %s\t%.*f%s\t±%.0f%%\tp50 %v\tp99 %v\tCPU %.3f s/1000\tRSS %.0f MiB\n", t.name, decimals(f.median), f.median, unit, f.spread*100,
			r.latency(i, func(s sample) time.Duration { return s.P50 }), r.latency(i, func(s sample) time.Duration { return s.P99 }),
			r.figure(i, sample.cpuPer1000).median, r.figure(i, func(s sample) float64 { return float64(s.PeakRSS) / mib }).median)
	}
	if f, ok := r.ratio(r.speed); ok {
		cpu, _ := r.ratio(sample.cpuPer1000)
		fmt.Fprintf(tw, "  ratio\t%.2f\t±%.0f%%\t\t\tCPU %.2f\n", f.median, f.spread*100, cpu.median)
	}
	tw.Flush()
}

func decimals(v float64) int {
	if v < 100 {
		return 1
	}
	return 0
}

func (r *row) latency(target int, of func(sample) time.Duration) time.Duration {
	f := r.figure(target, func(s sample) float64 { return float64(of(s)) })
	d := time.Duration(f.median)
	if d > 10*time.Millisecond {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// markdown is the table of docs/performance.md.
func (t *table) markdown() string {
	var b strings.Builder
	b.WriteString("| test | aureole | spread | p50 | p99 | CPU s/1,000 | peak RSS MiB | peer | ratio | CPU ratio |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range t.Rows {
		f := r.figure(0, r.speed)
		unit := ""
		if r.MB {
			unit = " MB/s"
		}
		fmt.Fprintf(&b, "| %s | %.*f%s | ±%.0f %% | %v | %v | %.3f | %.0f |", r.Title, decimals(f.median), f.median, unit, f.spread*100,
			r.latency(0, func(s sample) time.Duration { return s.P50 }), r.latency(0, func(s sample) time.Duration { return s.P99 }),
			r.figure(0, sample.cpuPer1000).median, r.figure(0, func(s sample) float64 { return float64(s.PeakRSS) / mib }).median)
		if ratio, ok := r.ratio(r.speed); ok {
			p := r.figure(1, r.speed)
			cpu, _ := r.ratio(sample.cpuPer1000)
			fmt.Fprintf(&b, " %.*f%s | %.2f | %.2f |\n", decimals(p.median), p.median, unit, ratio.median, cpu.median)
		} else {
			b.WriteString(" | | |\n")
		}
	}
	for _, d := range t.Disk {
		fmt.Fprintf(&b, "| disk bytes per %d-byte object | %.0f | | | | | | | | |\n", d.Size, d.PerObject)
	}
	return b.String()
}

func (t *table) write(c config) error {
	if c.jsonOut != "" {
		b, err := json.MarshalIndent(t, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.jsonOut, append(b, '\n'), 0o644); err != nil {
			return err
		}
	}
	if c.mdOut != "" {
		return os.WriteFile(c.mdOut, []byte(t.markdown()), 0o644)
	}
	return nil
}
