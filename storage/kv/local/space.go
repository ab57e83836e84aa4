package local

import (
	"sync/atomic"
	"time"
)

// spaceState is what the last look at the device told.
type spaceState struct {
	free atomic.Uint64
	low  atomic.Bool
}

// watchSpace looks at the free space until the store closes.
func (st *Store) watchSpace() {
	defer st.tasks.Done()
	t := time.NewTicker(st.cfg.SpaceInterval)
	defer t.Stop()
	for {
		select {
		case <-st.closed:
			return
		case <-t.C:
			st.measureSpace()
		}
	}
}

// measureSpace sets the low mark below the reserve and clears it at an eighth above, so that a device at
// the brink does not flap.
func (st *Store) measureSpace() {
	usage, err := st.cfg.FS.GetDiskUsage(st.cfg.Dir)
	if err != nil {
		return // an unsupported file system: the guard still waits when the device is full
	}
	st.space.free.Store(usage.AvailBytes)
	reserve := st.cfg.ReserveBytes
	low := st.space.low.Load()
	switch {
	case !low && usage.AvailBytes < reserve:
		st.space.low.Store(true)
		st.log.Error("device is short of space, the store refuses puts", "free", usage.AvailBytes, "reserve", reserve)
	case low && usage.AvailBytes >= reserve+reserve/8:
		st.space.low.Store(false)
		st.log.Info("device has space again", "free", usage.AvailBytes, "reserve", reserve)
	}
}
