// Package eventstream writes the messages of AWS's event streams: the answers of operations that send results while they
// find them.
//
//	length of the message, length of the headers, CRC32 of both | headers | payload | CRC32 of all before
//
// It knows how messages are framed, and headers that are strings; not what is in them.
package eventstream

import (
	"encoding/binary"
	"hash/crc32"
)

// Header is a header of a message; names are shorter than 256 bytes, values than 64 KiB.
type Header struct{ Name, Value string }

// MaxPayload keeps messages well below the 16 MiB that readers take.
const MaxPayload = 1 << 20

const typeString = 7

// Append writes a message to b.
func Append(b []byte, headers []Header, payload []byte) []byte {
	begin := len(b)
	b = append(b, make([]byte, 12)...)
	for _, h := range headers {
		b = append(b, byte(len(h.Name)))
		b = append(b, h.Name...)
		b = append(b, typeString)
		b = binary.BigEndian.AppendUint16(b, uint16(len(h.Value)))
		b = append(b, h.Value...)
	}
	prelude := b[begin:]
	binary.BigEndian.PutUint32(prelude[4:], uint32(len(prelude)-12))
	b = append(b, payload...)
	prelude = b[begin:]
	binary.BigEndian.PutUint32(prelude, uint32(len(prelude)+4))
	binary.BigEndian.PutUint32(prelude[8:], crc32.ChecksumIEEE(prelude[:8]))
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[begin:]))
}
