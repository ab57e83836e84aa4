package kv

import (
	"encoding/binary"
	"fmt"
)

// CounterLen is the length of a counter's value.
const CounterLen = 8

// EncodeCounter is the value of a counter: what [Batch.Add] keeps under its key. A counter may also be
// set with Put.
func EncodeCounter(v int64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, CounterLen), uint64(v))
}

// DecodeCounter reads a counter's value. An absent counter is zero: the caller handles ErrNotFound.
func DecodeCounter(data []byte) (int64, error) {
	if len(data) != CounterLen {
		return 0, fmt.Errorf("%w: a counter of %d bytes", ErrInvalid, len(data))
	}
	return int64(binary.BigEndian.Uint64(data)), nil
}
