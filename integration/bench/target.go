package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// target is a server to measure.
type target struct {
	name   string
	wire   wire.Target
	server *harness.Server // nil for a peer
	peer   int             // process id of a peer, 0 when unknown
	data   []string        // folders, to measure disk use; none when unknown
	bucket string
}

func ourTarget(s *harness.Server) *target {
	return &target{
		name:   "aureole",
		wire:   wire.Target{Endpoint: s.Endpoint, CAFile: s.CAFile, Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region},
		server: s,
		data:   s.Data,
		bucket: "bench",
	}
}

// peerTarget reads the environment; it returns nil when no peer is named.
func peerTarget() (*target, error) {
	endpoint := os.Getenv("BENCH_PEER")
	if endpoint == "" {
		return nil, nil
	}
	t := &target{
		name: "peer",
		wire: wire.Target{
			Endpoint: strings.TrimSuffix(endpoint, "/"),
			CAFile:   os.Getenv("BENCH_PEER_CA"),
			Access:   os.Getenv("BENCH_PEER_ACCESS_KEY"),
			Secret:   os.Getenv("BENCH_PEER_SECRET_KEY"),
			Region:   "us-east-1",
		},
		bucket: fmt.Sprintf("bench-%x", time.Now().Unix()),
	}
	if t.wire.Access == "" || t.wire.Secret == "" {
		return nil, errors.New("BENCH_PEER needs BENCH_PEER_ACCESS_KEY and BENCH_PEER_SECRET_KEY")
	}
	if dir := os.Getenv("BENCH_PEER_DATA"); dir != "" {
		t.data = []string{dir}
	}
	if pid := os.Getenv("BENCH_PEER_PID"); pid != "" {
		n, err := strconv.Atoi(pid)
		if err != nil {
			return nil, fmt.Errorf("BENCH_PEER_PID: %w", err)
		}
		t.peer = n
	} else {
		t.peer = listener(t.wire.Host())
	}
	return t, nil
}

func (t *target) pid() int {
	if t.server != nil {
		return t.server.PID()
	}
	return t.peer
}

// prepare makes the bucket.
func (t *target) prepare() error {
	r, err := t.wire.Do(&wire.Request{Method: "PUT", Path: "/" + t.bucket})
	if err != nil {
		return err
	}
	if r.Status != 200 {
		return fmt.Errorf("create bucket: %d %s", r.Status, r.Body)
	}
	return nil
}

// usage is what the server's processes have used; zero when the process is unknown.
func (t *target) usage() harness.Usage {
	u, err := harness.ProcUsage(t.pid())
	if err != nil {
		return harness.Usage{}
	}
	return u
}

// resetPeak makes the peak of resident memory start from here.
func (t *target) resetPeak() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", t.pid()), []byte("5"), 0)
}

// listener finds the process that listens on host's port, 0 when there is none to be seen.
func listener(host string) int {
	i := strings.LastIndexByte(host, ':')
	port, err := strconv.Atoi(host[i+1:])
	if err != nil {
		return 0
	}
	inodes := map[string]bool{}
	suffix := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range bytes.Lines(b) {
			f := strings.Fields(string(line))
			if len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], suffix) {
				inodes["socket:["+f[9]+"]"] = true
			}
		}
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil && inodes[name] {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			return pid
		}
	}
	return 0
}
