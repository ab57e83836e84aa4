package observe

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/aureole-cloud/aureole/cmd/internal/buildinfo"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/repair"
	"github.com/aureole-cloud/aureole/storage/ring"
)

// Sources are where the figures come from.
type Sources struct {
	Build    buildinfo.Info
	Requests *Requests
	Conns    func() int
	Store    func() kv.Usage
	Devices  func() []blobs.DeviceUsage
	Ring     func() *ring.Ring
	Repair   *repair.Counters
}

// Register adds everything the process tells to reg.
func Register(reg *prometheus.Registry, s Sources) error {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "aureole_build_info", Help: "Always 1; the labels tell the version.",
		ConstLabels: prometheus.Labels{"version": s.Build.Version, "commit": s.Build.Commit, "go": s.Build.Go},
	})
	build.Set(1)
	for _, c := range []prometheus.Collector{
		build, s.Requests, newStorage(s),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// figure is one metric that is read when it is scraped.
type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) figure {
	return figure{prometheus.NewDesc("aureole_"+name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) figure {
	return figure{prometheus.NewDesc("aureole_"+name, help, labels, nil), prometheus.CounterValue}
}

// storage collects the figures of everything below the front end.
type storage struct {
	src    Sources
	conns  figure
	store  []storeFigure
	device []deviceFigure
	state  figure
	ring   []ringFigure
	repair []repairFigure

	report struct { // of a ring version, since it costs more than a look
		sync.Mutex
		version uint64
		of      ring.Report
	}
}

type storeFigure struct {
	figure
	of func(kv.Usage) float64
}

type deviceFigure struct {
	figure
	of func(blobs.DeviceUsage) float64
}

type ringFigure struct {
	figure
	of func(*ring.Ring, ring.Report) float64
}

type repairFigure struct {
	figure
	of func(*repair.Counters) int64
}

func newStorage(src Sources) *storage {
	return &storage{
		src:   src,
		conns: gauge("connections", "Open connections of the API."),
		state: gauge("device_state", "1 for the state a device is in.", "device", "path", "state", "health"),
		store: []storeFigure{
			{gauge("store_disk_bytes", "Bytes of the store's files."), func(u kv.Usage) float64 { return float64(u.DiskBytes) }},
			{gauge("store_free_bytes", "Free bytes on the store's file system."), func(u kv.Usage) float64 { return float64(u.FreeBytes) }},
			{gauge("store_memtable_bytes", "Bytes written and not yet in tables."), func(u kv.Usage) float64 { return float64(u.MemTableBytes) }},
			{gauge("store_cache_bytes", "Bytes of the block cache in use."), func(u kv.Usage) float64 { return float64(u.CacheBytes) }},
			{counter("store_cache_hits_total", "Blocks found in the cache."), func(u kv.Usage) float64 { return float64(u.CacheHits) }},
			{counter("store_cache_misses_total", "Blocks read from files."), func(u kv.Usage) float64 { return float64(u.CacheMisses) }},
			{counter("store_commits_total", "Transactions that were applied."), func(u kv.Usage) float64 { return float64(u.Commits) }},
			{counter("store_conflicts_total", "Transactions whose conditions did not hold."), func(u kv.Usage) float64 { return float64(u.Conflicts) }},
			{counter("store_refused_total", "Transactions refused for lack of space."), func(u kv.Usage) float64 { return float64(u.Refused) }},
			{gauge("store_read_amplification", "Levels a read may have to look at."), func(u kv.Usage) float64 { return float64(u.ReadAmp) }},
			{gauge("store_compaction_debt_bytes", "Bytes that compaction has still to rewrite."), func(u kv.Usage) float64 { return float64(u.CompactDebt) }},
		},
		device: []deviceFigure{
			{gauge("device_blobs", "Blobs on a device.", "device", "path"), func(u blobs.DeviceUsage) float64 { return float64(u.Blob.Blobs) }},
			{gauge("device_live_bytes", "Bytes of blobs in use.", "device", "path"), func(u blobs.DeviceUsage) float64 { return float64(u.Blob.Live) }},
			{gauge("device_dead_bytes", "Bytes that compaction can return.", "device", "path"), func(u blobs.DeviceUsage) float64 { return float64(u.Blob.Dead) }},
			{gauge("device_disk_bytes", "Bytes of segment files.", "device", "path"), func(u blobs.DeviceUsage) float64 { return float64(u.Blob.Disk) }},
			{gauge("device_free_bytes", "Free bytes on the device's file system.", "device", "path"), func(u blobs.DeviceUsage) float64 { return float64(u.Blob.Free) }},
			{gauge("device_total_bytes", "Bytes of the device's file system.", "device", "path"), func(u blobs.DeviceUsage) float64 { return float64(u.Blob.Total) }},
			{counter("device_syncs_total", "Syncs of segment files.", "device", "path"), func(u blobs.DeviceUsage) float64 { return float64(u.Blob.Syncs) }},
			{counter("device_io_errors_total", "Errors of reading and writing.", "device", "path"), func(u blobs.DeviceUsage) float64 { return float64(u.IOErrors) }},
			{counter("device_corrupt_total", "Damaged copies met.", "device", "path"), func(u blobs.DeviceUsage) float64 { return float64(u.Blob.Corrupt) }},
		},
		ring: []ringFigure{
			{gauge("ring_version", "Version of the ring in use."), func(r *ring.Ring, _ ring.Report) float64 { return float64(r.Version()) }},
			{gauge("ring_devices", "Devices of the ring."), func(r *ring.Ring, _ ring.Report) float64 { return float64(len(r.All())) }},
			{gauge("ring_replicas", "Replicas of each partition."), func(r *ring.Ring, _ ring.Report) float64 { return float64(r.Width()) }},
			{gauge("ring_balance_percent", "Largest deviation of a device from its share."), func(_ *ring.Ring, p ring.Report) float64 { return p.Balance }},
			{gauge("ring_dispersion_percent", "Partitions whose replicas stand closer together than they must."), func(_ *ring.Ring, p ring.Report) float64 { return p.Dispersion }},
			{gauge("ring_pending_moves", "Replicas the ring has still to move."), func(_ *ring.Ring, p ring.Report) float64 { return float64(p.Misplaced) }},
		},
		repair: repairFigures(),
	}
}

func repairFigures() []repairFigure {
	c := func(name, help string, of func(*repair.Counters) int64) repairFigure {
		return repairFigure{counter("repair_"+name+"_total", help), of}
	}
	return []repairFigure{
		{gauge("repair_misplaced_copies", "Copies missing or lying elsewhere at the end of the last pass."), func(c *repair.Counters) int64 { return c.Misplaced.Load() }},
		{gauge("repair_lost_copies", "Damaged copies without a good one that the last full scrub met."), func(c *repair.Counters) int64 { return c.Lost.Load() }},
		c("replicated_blobs", "Copies made.", func(c *repair.Counters) int64 { return c.ReplicatedBlobs.Load() }),
		c("replicated_bytes", "Bytes of copies made.", func(c *repair.Counters) int64 { return c.ReplicatedBytes.Load() }),
		c("removed_copies", "Copies given up because all their places have one.", func(c *repair.Counters) int64 { return c.RemovedCopies.Load() }),
		c("replicate_failed", "Copies that could not be made.", func(c *repair.Counters) int64 { return c.ReplicateFailed.Load() }),
		c("scrubbed_blobs", "Copies verified.", func(c *repair.Counters) int64 { return c.AuditedBlobs.Load() }),
		c("scrubbed_bytes", "Bytes verified.", func(c *repair.Counters) int64 { return c.AuditedBytes.Load() }),
		c("scrub_passes", "Full scrubs.", func(c *repair.Counters) int64 { return c.AuditPasses.Load() }),
		c("corrupt_copies", "Damaged copies found.", func(c *repair.Counters) int64 { return c.Corrupt.Load() }),
		c("quarantined_copies", "Damaged copies set aside.", func(c *repair.Counters) int64 { return c.Quarantined.Load() }),
		c("repaired_copies", "Damaged copies replaced by good ones.", func(c *repair.Counters) int64 { return c.Repaired.Load() }),
		c("unrepairable_copies", "Damaged copies with no good one to take from.", func(c *repair.Counters) int64 { return c.Unrepairable.Load() }),
		c("collected_blobs", "Blobs of deleted objects removed.", func(c *repair.Counters) int64 { return c.CollectedBlobs.Load() }),
		c("orphans_removed", "Blobs removed that no object ever referred to.", func(c *repair.Counters) int64 { return c.OrphansRemoved.Load() }),
		c("compacted_bytes", "Bytes returned by compaction.", func(c *repair.Counters) int64 { return c.CompactReclaimed.Load() }),
		c("errors", "Rounds of background work that ended with an error.", func(c *repair.Counters) int64 { return c.Errors.Load() }),
	}
}

// Describe implements prometheus.Collector.
func (s *storage) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.conns.desc
	ch <- s.state.desc
	for _, f := range s.store {
		ch <- f.desc
	}
	for _, f := range s.device {
		ch <- f.desc
	}
	for _, f := range s.ring {
		ch <- f.desc
	}
	for _, f := range s.repair {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (s *storage) Collect(ch chan<- prometheus.Metric) {
	send := func(f figure, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, v, labels...)
	}
	send(s.conns, float64(s.src.Conns()))
	usage := s.src.Store()
	for _, f := range s.store {
		send(f.figure, f.of(usage))
	}
	for _, u := range s.src.Devices() {
		id, path := strconv.Itoa(int(u.Device.ID)), u.Device.Hint
		health := u.Health.String()
		if !u.Attached {
			health = "missing"
		}
		send(s.state, 1, id, path, u.Device.State.String(), health)
		for _, f := range s.device {
			send(f.figure, f.of(u), id, path)
		}
	}
	rg := s.src.Ring()
	rep := s.reportOf(rg)
	for _, f := range s.ring {
		send(f.figure, f.of(rg, rep))
	}
	for _, f := range s.repair {
		send(f.figure, float64(f.of(s.src.Repair)))
	}
}

func (s *storage) reportOf(rg *ring.Ring) ring.Report {
	s.report.Lock()
	defer s.report.Unlock()
	if s.report.version != rg.Version() {
		s.report.version, s.report.of = rg.Version(), rg.Report()
	}
	return s.report.of
}
