package ring

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Limits of a ring. They bound what a decoder may be made to allocate.
const (
	MaxPower    = 20   // 2^20 partitions
	MaxReplicas = 16   // replicas of a partition
	MaxDevices  = 4096 // devices in the ring at one time
	MaxNameLen  = 255  // bytes of a zone, node, name or hint

	// Weights are 0 or within these, so that the arithmetic of shares stays exact enough.
	MinWeight = 1e-3
	MaxWeight = 1e9
)

// DefaultPower suits a single machine: 4,096 partitions balance some dozens of disks to well under a
// percent, and the whole ring is a few KiB.
const DefaultPower = 12

// State says whether a device takes data.
type State uint8

// The states of a device.
const (
	Active   State = iota // takes its share
	Draining              // healthy but giving away all it has, step by step
	Failed                // gone: its replicas are placed anew at once
)

// String names the state as the admin commands print it.
func (s State) String() string {
	switch s {
	case Active:
		return "active"
	case Draining:
		return "draining"
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// Device is one disk of one node.
type Device struct {
	ID     blobref.DeviceID // from 1, never reused within a ring
	Zone   string           // failure domain above the node: a rack, a room
	Node   string           // the machine
	Name   string           // what people call it
	Hint   string           // where the node finds it: a path
	Weight float64          // share of the data it should hold, relative to the others; usually its size in GiB
	State  State
}

// takes reports whether replicas may be placed on the device.
func (d *Device) takes() bool { return d.State == Active && d.Weight > 0 }

// Ring is one version of the placement. It is immutable and safe for concurrent use.
type Ring struct {
	version  uint64
	power    uint8
	replicas int
	width    int
	salt     uint64
	overload float64
	window   time.Duration
	nextID   uint32
	devices  []Device           // by ID
	table    []blobref.DeviceID // partition p: table[p*width : (p+1)*width]
	moved    []uint32           // minute (Unix time / 60) of the partition's last move, 0 = free to move
}

// Version numbers the rings of a cluster, from 1 without gaps.
func (r *Ring) Version() uint64 { return r.version }

// Power is P: the ring has 2^P partitions. It never changes.
func (r *Ring) Power() int { return int(r.power) }

// Partitions is 2^P.
func (r *Ring) Partitions() int { return 1 << r.power }

// Replicas is the configured R, which may be more than there are devices.
func (r *Ring) Replicas() int { return r.replicas }

// Width is the number of replicas each partition has: min(R, devices that take data).
func (r *Ring) Width() int { return r.width }

// Quorum is the number of synced copies that make a write durable: the majority of min(R, devices). Failed and
// draining devices count until they are removed, so that losing devices never lowers what a write promises.
func (r *Ring) Quorum() int { return min(r.replicas, len(r.devices))/2 + 1 }

// Overload is the share a device may take beyond its weight for the sake of dispersion.
func (r *Ring) Overload() float64 { return r.overload }

// Window is the time in which a partition that moved is not moved again.
func (r *Ring) Window() time.Duration { return r.window }

// All returns the devices by ID. Do not change the slice.
func (r *Ring) All() []Device { return r.devices }

// Device finds a device by its ID.
func (r *Ring) Device(id blobref.DeviceID) (Device, bool) {
	i, ok := r.find(id)
	if !ok {
		return Device{}, false
	}
	return r.devices[i], true
}

func (r *Ring) find(id blobref.DeviceID) (int, bool) {
	return slices.BinarySearchFunc(r.devices, id, func(d Device, id blobref.DeviceID) int { return int(d.ID) - int(id) })
}

// PartitionOf hashes the parts of a name, in order and with their borders: ("ab", "c") is not ("a", "bc").
func (r *Ring) PartitionOf(parts ...[]byte) blobref.Partition {
	h := r.salt
	for _, p := range parts {
		h = xxh3.HashSeed(p, h)
	}
	return blobref.Partition(h >> (64 - r.power))
}

// PartitionOfStrings is PartitionOf for strings and gives the same partitions.
func (r *Ring) PartitionOfStrings(parts ...string) blobref.Partition {
	h := r.salt
	for _, p := range parts {
		h = xxh3.HashStringSeed(p, h)
	}
	return blobref.Partition(h >> (64 - r.power))
}

// Devices returns the primaries of a partition, which are as good as each other. Do not change the slice.
// A partition outside the ring has none.
func (r *Ring) Devices(p blobref.Partition) []blobref.DeviceID {
	i := int(p) * r.width
	if i+r.width > len(r.table) {
		return nil
	}
	return r.table[i : i+r.width : i+r.width]
}

// IsPrimary reports whether the ring places partition p on device id.
func (r *Ring) IsPrimary(p blobref.Partition, id blobref.DeviceID) bool {
	return slices.Contains(r.Devices(p), id)
}

// Handoffs yields the devices that stand in for the primaries of p when those are down, best first: devices in zones
// that no primary uses, then on nodes that no primary uses, then the others; within a class in an order
// that is fixed for the partition and spreads the load of a lost device over all others.
func (r *Ring) Handoffs(p blobref.Partition) iter.Seq[blobref.DeviceID] {
	return func(yield func(blobref.DeviceID) bool) {
		primaries := r.Devices(p)
		type candidate struct {
			id    blobref.DeviceID
			class int
			rank  uint64
		}
		var cs []candidate
		for i := range r.devices {
			d := &r.devices[i]
			if !d.takes() || slices.Contains(primaries, d.ID) {
				continue
			}
			class := 0
			for _, id := range primaries {
				j, _ := r.find(id)
				switch q := &r.devices[j]; {
				case q.Zone == d.Zone && q.Node == d.Node:
					class = max(class, 2)
				case q.Zone == d.Zone:
					class = max(class, 1)
				}
			}
			cs = append(cs, candidate{d.ID, class, mix(uint64(p)<<16 | uint64(d.ID))})
		}
		slices.SortFunc(cs, func(a, b candidate) int {
			if a.class != b.class {
				return a.class - b.class
			}
			if a.rank < b.rank {
				return -1
			}
			return 1
		})
		for _, c := range cs {
			if !yield(c.id) {
				return
			}
		}
	}
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
