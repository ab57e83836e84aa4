package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// The encoding of a ring, format 1. Numbers are varints unless noted, strings have their length in front.
//
//	"ARNG" | format (1 byte) | version | power | replicas | width | salt (8 bytes) | overload (8 bytes, IEEE 754) |
//	window in seconds | next id | number of devices | devices: id, zone, node, name, hint, weight (8 bytes), state |
//	number of move times | move times, ascending, each as difference to the one before |
//	table: place of each replica's device in the list, in ceil(log2(devices)) bits, little endian bit order |
//	times: place of each partition's time in the list of times, 0 is "not moved", in as many bits as needed |
//	CRC32C of all before (4 bytes, little endian)
//
// 2^16 partitions with 3 replicas take 98 KiB on 16 devices, 295 KiB on 4,096, and their names and move times besides.
const (
	magic  = "ARNG"
	format = 1
)

// ErrCorrupt: the bytes are not a ring, or not one of a format this program knows.
var ErrCorrupt = errors.New("ring: corrupt encoding")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append appends the ring's encoding to b.
func (r *Ring) Append(b []byte) []byte {
	start := len(b)
	b = append(b, magic...)
	b = append(b, format)
	b = binary.AppendUvarint(b, r.version)
	b = binary.AppendUvarint(b, uint64(r.power))
	b = binary.AppendUvarint(b, uint64(r.replicas))
	b = binary.AppendUvarint(b, uint64(r.width))
	b = binary.LittleEndian.AppendUint64(b, r.salt)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(r.overload))
	b = binary.AppendUvarint(b, uint64(r.window/time.Second))
	b = binary.AppendUvarint(b, uint64(r.nextID))
	b = binary.AppendUvarint(b, uint64(len(r.devices)))
	place := make(map[blobref.DeviceID]uint32, len(r.devices))
	for i := range r.devices {
		d := &r.devices[i]
		place[d.ID] = uint32(i)
		b = binary.AppendUvarint(b, uint64(d.ID))
		for _, s := range []string{d.Zone, d.Node, d.Name, d.Hint} {
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(d.Weight))
		b = append(b, byte(d.State))
	}
	times := moveTimes(r.moved)
	b = binary.AppendUvarint(b, uint64(len(times)))
	last := uint32(0)
	for _, t := range times {
		b = binary.AppendUvarint(b, uint64(t-last))
		last = t
	}
	w := bitWriter{b: b}
	n := indexBits(len(r.devices))
	for _, id := range r.table {
		w.put(place[id], n)
	}
	n = indexBits(len(times) + 1)
	timeAt := make(map[uint32]uint32, len(times)+1)
	for i, t := range times {
		timeAt[t] = uint32(i + 1)
	}
	for _, t := range r.moved {
		w.put(timeAt[t], n)
	}
	b = w.flush()
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// moveTimes lists the different times, ascending, without 0.
func moveTimes(moved []uint32) []uint32 {
	seen := make(map[uint32]struct{})
	for _, t := range moved {
		if t != 0 {
			seen[t] = struct{}{}
		}
	}
	times := make([]uint32, 0, len(seen))
	for t := range seen {
		times = append(times, t)
	}
	slices.Sort(times)
	return times
}

// indexBits is how many bits number n things.
func indexBits(n int) int { return bits.Len(uint(max(n, 1) - 1)) }

// Decode reads an encoding made by Append. It never allocates more than the limits of a ring allow, and returns
// only rings that hold the invariants of the package.
func Decode(b []byte) (*Ring, error) {
	if len(b) < len(magic)+1+4 || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: not a ring", ErrCorrupt)
	}
	if f := b[len(magic)]; f != format {
		return nil, fmt.Errorf("%w: format %d: this program knows %d", ErrCorrupt, f, format)
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, fmt.Errorf("%w: checksum", ErrCorrupt)
	}
	return decodeBody(body[len(magic)+1:])
}

func decodeBody(b []byte) (*Ring, error) {
	d := decoder{b: b}
	r := &Ring{version: d.uvarint(math.MaxUint64)}
	r.power = uint8(d.uvarint(MaxPower))
	r.replicas = int(d.uvarint(MaxReplicas))
	r.width = int(d.uvarint(MaxReplicas))
	r.salt = d.fixed64()
	r.overload = math.Float64frombits(d.fixed64())
	r.window = time.Duration(d.uvarint(math.MaxInt64/uint64(time.Second))) * time.Second
	r.nextID = uint32(d.uvarint(math.MaxUint16 + 1))
	n := int(d.uvarint(MaxDevices))
	for i := 0; i < n && d.err == nil; i++ {
		dev := Device{ID: blobref.DeviceID(d.uvarint(math.MaxUint16))}
		dev.Zone, dev.Node, dev.Name, dev.Hint = d.string(), d.string(), d.string(), d.string()
		dev.Weight = math.Float64frombits(d.fixed64())
		dev.State = State(d.byte())
		r.devices = append(r.devices, dev)
	}
	parts := r.Partitions()
	times := []uint32{0}
	for k := int(d.uvarint(uint64(parts))); k > 0 && d.err == nil; k-- {
		t := d.uvarint(math.MaxUint32)
		if t == 0 || uint64(times[len(times)-1])+t > math.MaxUint32 {
			d.fail("move times not ascending")
			break
		}
		times = append(times, times[len(times)-1]+uint32(t))
	}
	if d.err == nil {
		d.err = r.check()
	}
	if d.err != nil {
		return nil, d.err
	}
	tableBits, timeBits := indexBits(n), indexBits(len(times))
	if want := (parts*r.width*tableBits + parts*timeBits + 7) / 8; len(d.b) != want {
		return nil, fmt.Errorf("%w: table of %d bytes: want %d", ErrCorrupt, len(d.b), want)
	}
	br := bitReader{b: d.b}
	r.table = make([]blobref.DeviceID, parts*r.width)
	for i := range r.table {
		k := br.get(tableBits)
		if int(k) >= n {
			return nil, fmt.Errorf("%w: partition %d: no device %d", ErrCorrupt, i/r.width, k)
		}
		r.table[i] = r.devices[k].ID
		row := r.table[i-i%r.width : i]
		if slices.Contains(row, r.table[i]) {
			return nil, fmt.Errorf("%w: partition %d: two replicas on device %d", ErrCorrupt, i/r.width, r.table[i])
		}
	}
	r.moved = make([]uint32, parts)
	for i := range r.moved {
		k := br.get(timeBits)
		if int(k) >= len(times) {
			return nil, fmt.Errorf("%w: partition %d: no move time %d", ErrCorrupt, i, k)
		}
		r.moved[i] = times[k]
	}
	return r, nil
}

// check tests what a decoded ring must hold before its table is read.
func (r *Ring) check() error {
	c := Config{Power: int(r.power), Replicas: r.replicas, Overload: r.overload, Window: r.window}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	takes, last := 0, blobref.DeviceID(0)
	for i := range r.devices {
		d := &r.devices[i]
		if err := checkDevice(d); err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if d.ID <= last {
			return fmt.Errorf("%w: device ids not ascending at %d", ErrCorrupt, d.ID)
		}
		last = d.ID
		if d.takes() {
			takes++
		}
	}
	if uint32(last) >= r.nextID {
		return fmt.Errorf("%w: next id %d is not beyond device %d", ErrCorrupt, r.nextID, last)
	}
	if r.width < 1 || r.width != min(r.replicas, takes) {
		return fmt.Errorf("%w: %d replicas a partition: want min(%d, %d devices)", ErrCorrupt, r.width, r.replicas, takes)
	}
	return nil
}

// decoder reads fields and remembers the first error.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrCorrupt, what)
	}
	d.b = nil
}

func (d *decoder) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("truncated number")
		return 0
	}
	if v > limit {
		d.fail("number out of bounds")
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		d.fail("truncated")
		return nil
	}
	s := d.b[:n]
	d.b = d.b[n:]
	return s
}

func (d *decoder) fixed64() uint64 {
	if s := d.take(8); s != nil {
		return binary.LittleEndian.Uint64(s)
	}
	return 0
}

func (d *decoder) byte() byte {
	if s := d.take(1); s != nil {
		return s[0]
	}
	return 0
}

func (d *decoder) string() string { return string(d.take(int(d.uvarint(MaxNameLen)))) }

// bitWriter appends numbers of a few bits.
type bitWriter struct {
	b   []byte
	acc uint64
	n   int
}

func (w *bitWriter) put(v uint32, bits int) {
	w.acc |= uint64(v) << w.n
	for w.n += bits; w.n >= 8; w.n -= 8 {
		w.b = append(w.b, byte(w.acc))
		w.acc >>= 8
	}
}

func (w *bitWriter) flush() []byte {
	if w.n > 0 {
		w.b = append(w.b, byte(w.acc))
		w.acc, w.n = 0, 0
	}
	return w.b
}

// bitReader reads what bitWriter wrote. The caller has checked the length.
type bitReader struct {
	b   []byte
	acc uint64
	n   int
}

func (r *bitReader) get(bits int) uint32 {
	for r.n < bits {
		r.acc |= uint64(r.b[0]) << r.n
		r.b = r.b[1:]
		r.n += 8
	}
	v := uint32(r.acc & (1<<bits - 1))
	r.acc >>= bits
	r.n -= bits
	return v
}
