package libvirt

import (
	"context"
	"fmt"
	"strings"
	"time"

	lv "github.com/digitalocean/go-libvirt"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// Stats returns what a running machine has used.
func (d *Driver) Stats(ctx context.Context, name string) (hypervisor.Stats, error) {
	var s hypervisor.Stats
	err := d.on(ctx, "stats", name, func(l *lv.Libvirt, dom lv.Domain) error {
		m, err := machine(l, dom)
		if err != nil {
			return err
		}
		if !m.State.On() {
			return fmt.Errorf("%w: the machine is off", hypervisor.ErrState)
		}
		if d.test {
			_, _, _, _, cpu, err := l.DomainGetInfo(dom)
			s.CPUTime = time.Duration(cpu)
			return err
		}
		kinds := lv.DomainStatsCPUTotal | lv.DomainStatsBalloon | lv.DomainStatsBlock
		records, err := l.ConnectGetAllDomainStats([]lv.Domain{dom}, uint32(kinds), 0)
		if err != nil {
			return err
		}
		var got hypervisor.Stats
		for _, r := range records {
			for _, p := range r.Params {
				n, ok := number(p.Value.I)
				if !ok {
					continue
				}
				switch f := p.Field; {
				case f == "cpu.time":
					got.CPUTime = time.Duration(n)
				case f == "balloon.rss":
					got.MemoryRSS = int64(n) << 10
				case !strings.HasPrefix(f, "block."):
				case strings.HasSuffix(f, ".rd.reqs"):
					got.DiskReads += n
				case strings.HasSuffix(f, ".wr.reqs"):
					got.DiskWrites += n
				case strings.HasSuffix(f, ".rd.bytes"):
					got.ReadBytes += n
				case strings.HasSuffix(f, ".wr.bytes"):
					got.WriteBytes += n
				}
			}
		}
		s = got
		return nil
	})
	return s, err
}

func number(v any) (uint64, bool) {
	switch n := v.(type) {
	case uint64:
		return n, true
	case int64:
		return uint64(n), n >= 0
	case uint32:
		return uint64(n), true
	case int32:
		return uint64(n), n >= 0
	}
	return 0, false
}
