package observe_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aureole-cloud/aureole/cmd/internal/buildinfo"
	"github.com/aureole-cloud/aureole/cmd/internal/observe"
	"github.com/aureole-cloud/aureole/s3api"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/repair"
	"github.com/aureole-cloud/aureole/storage/ring"
)

func event(status int, code string) *s3api.Event {
	return &s3api.Event{
		Operation: "PutObject", RequestID: "REQ1", Method: "PUT", Bucket: "b", Key: "k\n", Remote: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 7},
		Status: status, Code: code, BytesIn: 10, BytesOut: 3, Duration: 3 * time.Millisecond, AccessKey: "AKID",
	}
}

func TestRequestsAreCounted(t *testing.T) {
	r := observe.NewRequests("s3")
	for _, e := range []*s3api.Event{event(200, ""), event(204, ""), event(404, "NoSuchBucket"), event(500, "InternalError"), event(0, ""), event(999, "")} {
		r.Observe(e)
	}
	want := `
# HELP aureole_s3_errors_total Failed requests by operation and error code.
# TYPE aureole_s3_errors_total counter
aureole_s3_errors_total{code="InternalError",operation="PutObject"} 1
aureole_s3_errors_total{code="NoSuchBucket",operation="PutObject"} 1
# HELP aureole_s3_requests_total Answered requests by operation and class of status.
# TYPE aureole_s3_requests_total counter
aureole_s3_requests_total{operation="PutObject",status="2xx"} 2
aureole_s3_requests_total{operation="PutObject",status="3xx"} 0
aureole_s3_requests_total{operation="PutObject",status="4xx"} 1
aureole_s3_requests_total{operation="PutObject",status="5xx"} 1
aureole_s3_requests_total{operation="PutObject",status="other"} 2
# HELP aureole_s3_received_bytes_total Bytes of request bodies, as decoded.
# TYPE aureole_s3_received_bytes_total counter
aureole_s3_received_bytes_total{operation="PutObject"} 60
`
	err := testutil.CollectAndCompare(r, strings.NewReader(want), "aureole_s3_errors_total", "aureole_s3_requests_total", "aureole_s3_received_bytes_total")
	if err != nil {
		t.Error(err)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	r := observe.NewRequests("s3")
	o := observe.Tee{r, observe.NewAccessLog(slog.New(slog.DiscardHandler), "errors")}
	e := event(200, "")
	o.Observe(e)
	if n := testing.AllocsPerRun(100, func() { o.Observe(e) }); n > 0 {
		t.Errorf("%v allocations per request", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	r := observe.NewRequests("s3")
	e := event(200, "")
	b.ReportAllocs()
	for b.Loop() {
		r.Observe(e)
	}
}

// cutAnswer stands for the status 200 of an answer that the server could not bring to its end.
const cutAnswer = -1

func TestAccessLogModes(t *testing.T) {
	for _, tc := range []struct {
		mode   string
		level  slog.Level
		status int
		want   string // empty: no line
	}{
		{"all", slog.LevelInfo, 200, "INFO"},
		{"all", slog.LevelInfo, 404, "INFO"},
		{"all", slog.LevelWarn, 200, ""},
		{"all", slog.LevelWarn, 500, "ERROR"},
		{"errors", slog.LevelInfo, 200, ""},
		{"errors", slog.LevelInfo, 403, ""},
		{"errors", slog.LevelInfo, 501, ""},
		{"errors", slog.LevelInfo, 503, "WARN"},
		{"errors", slog.LevelInfo, 500, "ERROR"},
		{"off", slog.LevelDebug, 500, ""},
		{"errors", slog.LevelInfo, cutAnswer, "ERROR"},
		{"off", slog.LevelInfo, cutAnswer, ""},
	} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: tc.level}))
		e := event(tc.status, "X")
		e.Err = errors.New("disk on fire")
		if tc.status == cutAnswer {
			e.Status, e.Cut = 200, true
		}
		observe.NewAccessLog(log, tc.mode).Observe(e)
		line := out.String()
		switch {
		case tc.want == "" && line != "":
			t.Errorf("%s at %v, status %d: %s", tc.mode, tc.level, tc.status, line)
		case tc.want != "" && (!strings.Contains(line, "level="+tc.want) || strings.Count(line, "\n") != 1):
			t.Errorf("%s at %v, status %d: %q, want one line of %s", tc.mode, tc.level, tc.status, line, tc.want)
		case tc.want != "":
			for _, field := range []string{"req=REQ1", "op=PutObject", "bucket=b", `key="k\n"`, "in=10", "out=3", "remote=10.0.0.1:7", `err="disk on fire"`} {
				if !strings.Contains(line, field) {
					t.Errorf("%s is missing in %s", field, line)
				}
			}
		}
	}
}

func TestStorageFiguresAreCollected(t *testing.T) {
	b, err := ring.New(ring.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Add(ring.Device{Node: "n", Hint: "/d1", Weight: 1}); err != nil {
		t.Fatal(err)
	}
	rg, _, err := b.Build(time.Now(), 1)
	if err != nil {
		t.Fatal(err)
	}
	usage := blobs.DeviceUsage{Device: rg.All()[0], Attached: true}
	usage.Blob.Blobs = 42
	counters := &repair.Counters{}
	counters.Repaired.Add(3)
	reg := prometheus.NewPedanticRegistry()
	err = observe.Register(reg, observe.Sources{
		Build: buildinfo.Read(), Requests: observe.NewRequests("s3"), Conns: func() int { return 5 },
		Store:   func() kv.Usage { return kv.Usage{Commits: 7} },
		Devices: func() []blobs.DeviceUsage { return []blobs.DeviceUsage{usage} },
		Ring:    func() *ring.Ring { return rg }, Repair: counters,
	})
	if err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		have[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	for name, want := range map[string]float64{
		"aureole_build_info": 1, "aureole_connections": 5, "aureole_store_commits_total": 7, "aureole_device_blobs": 42,
		"aureole_device_state": 1, "aureole_ring_devices": 1, "aureole_ring_version": 1, "aureole_repair_repaired_copies_total": 3,
	} {
		if got, ok := have[name]; !ok || got != want {
			t.Errorf("%s = %v (there: %v), want %v", name, got, ok, want)
		}
	}
}
