// Command bench measures an S3 server: ours, which it builds and starts, and optionally another one beside it.
//
// It prints, for every scenario, the median and the spread over the rounds of operations (or megabytes) per second,
// the latency at p50 and p99, the server's CPU seconds per 1,000 requests and its peak memory. With a peer
// (BENCH_PEER=http://host:port, BENCH_PEER_ACCESS_KEY, BENCH_PEER_SECRET_KEY) both are measured in turns within each
// round, so that the ratio holds on a machine whose speed drifts; absolute figures of shared machines are only hints.
// The peer's process is found by its listening port, or named by BENCH_PEER_PID.
//
// The load generator writes its own requests over kept-alive connections with payload hashes computed beforehand,
// since it shares the machine's cores with the server, and it verifies every body it reads.
//
//	go run ./integration/bench                     the whole table, about 15 minutes
//	go run ./integration/bench -quick              one short round of everything, about a minute
//	go run ./integration/bench -only put-4k-c32    some scenarios, by prefix, separated by commas
//	go run ./integration/bench -lifecycle          LIST of 1,000,000 versions, a lifecycle pass over them beside requests
//	go run ./integration/bench -scale              growth to 1,000,000 objects, start-up time, memory under load
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// config is what the command line asks for.
type config struct {
	rounds   int
	duration time.Duration
	only     []string
	quick    bool
	scale    bool
	life     bool
	fill     bool // of the lifecycle run: make the versions and end
	objects  int  // of the listings
	million  int  // objects of the scale run
	dir      string
	jsonOut  string
	mdOut    string
	pprof    string
	tls      bool
	devices  int
	args     []string
}

func main() {
	var c config
	var only string
	flag.IntVar(&c.rounds, "rounds", 5, "rounds of every scenario; medians are over rounds")
	flag.DurationVar(&c.duration, "duration", 4*time.Second, "length of one measurement")
	flag.StringVar(&only, "only", "", "scenarios to run, by prefix, separated by commas")
	flag.BoolVar(&c.quick, "quick", false, "one round of one second and small data sets")
	flag.BoolVar(&c.scale, "scale", false, "measure growth, start-up and memory up to -million objects instead")
	flag.IntVar(&c.objects, "objects", 100_000, "objects of the listing scenarios")
	flag.BoolVar(&c.life, "lifecycle", false, "measure a listing of -million versions and a lifecycle pass over them instead")
	flag.BoolVar(&c.fill, "fill", false, "with -lifecycle and -dir: only make the versions, for a later run")
	flag.IntVar(&c.million, "million", 1_000_000, "objects of the scale run")
	flag.StringVar(&c.dir, "dir", "", "folder for the server's data (default: a temporary one)")
	flag.StringVar(&c.jsonOut, "json", "", "write all figures to this file")
	flag.StringVar(&c.mdOut, "markdown", "", "write the table in Markdown to this file")
	flag.StringVar(&c.pprof, "pprof", "", "save a CPU profile of our server per scenario into this folder")
	flag.BoolVar(&c.tls, "tls", false, "measure over TLS")
	flag.IntVar(&c.devices, "devices", 1, "data folders of our server")
	flag.Parse()
	if only != "" {
		c.only = strings.Split(only, ",")
	}
	c.args = flag.Args()
	if c.quick {
		c.rounds, c.duration = 1, time.Second
		c.objects = min(c.objects, 10_000)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, c config) error {
	dir := c.dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "aureole-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	opts := harness.Options{Dir: dir, TLS: c.tls, Devices: c.devices, Args: c.args}
	if c.pprof != "" {
		if err := os.MkdirAll(c.pprof, 0o755); err != nil {
			return err
		}
		opts.Args = append(opts.Args, "--pprof")
	}
	server, err := harness.New(opts)
	if err != nil {
		return err
	}
	defer server.Kill()
	if c.scale {
		return runScale(ctx, c, server)
	}
	if c.life {
		return runLifecycle(ctx, c, server)
	}

	targets := []*target{ourTarget(server)}
	peer, err := peerTarget()
	if err != nil {
		return err
	}
	if peer != nil {
		targets = append(targets, peer)
	}
	fmt.Printf("%d cores, %s, %d rounds of %v\n", runtime.NumCPU(), runtime.Version(), c.rounds, c.duration)
	for _, t := range targets {
		fmt.Printf("%-8s %s (process %d)\n", t.name, t.wire.Endpoint, t.pid())
		if err := t.prepare(); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	table, err := measureAll(ctx, c, targets)
	if err != nil {
		return err
	}
	if err := table.write(c); err != nil {
		return err
	}
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return server.Stop(shutdown)
}
