package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Chunked describes an aws-chunked body.
type Chunked struct {
	Payload []byte
	Size    int    // bytes per chunk; 0 is one chunk
	Trailer *Field // a trailing checksum
	// Tamper may change the frames before they are joined, to make broken bodies. Frames end with their CRLF; the
	// last one is the zero chunk with the trailers.
	Tamper func(frames [][]byte) [][]byte
}

// SignChunked makes r carry c in one of the streaming forms, which r.SHA256 names, and signs it. Content-Length is
// that of the framed body.
func (s *Signer) SignChunked(r *Request, c Chunked, now time.Time) {
	signedChunks := r.SHA256 != UnsignedTrailer
	r.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(len(c.Payload)))
	if c.Trailer != nil {
		r.Set("X-Amz-Trailer", c.Trailer.Name)
	}
	sig := s.SignV4(r, now)
	date := now.UTC().Format(stamp)

	var frames [][]byte
	size := c.Size
	if size == 0 {
		size = max(len(c.Payload), 1)
	}
	frame := func(chunk []byte) {
		head := fmt.Sprintf("%x", len(chunk))
		if signedChunks {
			sum := sha256.Sum256(chunk)
			sig = s.macHex([]byte("AWS4-HMAC-SHA256-PAYLOAD\n" + date + "\n" + s.scope(date) + "\n" + sig + "\n" +
				EmptySHA256 + "\n" + hex.EncodeToString(sum[:])))
			head += ";chunk-signature=" + sig
		}
		f := append([]byte(head+"\r\n"), chunk...)
		if len(chunk) > 0 {
			f = append(f, "\r\n"...)
		}
		frames = append(frames, f)
	}
	for rest := c.Payload; len(rest) > 0; {
		n := min(size, len(rest))
		frame(rest[:n])
		rest = rest[n:]
	}
	frame(nil)
	last := &frames[len(frames)-1]
	if c.Trailer != nil {
		line := strings.ToLower(c.Trailer.Name) + ":" + c.Trailer.Value
		*last = append(*last, line+"\r\n"...)
		if signedChunks {
			sum := sha256.Sum256([]byte(line + "\n"))
			tsig := s.macHex([]byte("AWS4-HMAC-SHA256-TRAILER\n" + date + "\n" + s.scope(date) + "\n" + sig + "\n" +
				hex.EncodeToString(sum[:])))
			*last = append(*last, "x-amz-trailer-signature:"+tsig+"\r\n"...)
		}
	}
	*last = append(*last, "\r\n"...)
	if c.Tamper != nil {
		frames = c.Tamper(frames)
	}
	r.Body = nil
	for _, f := range frames {
		r.Body = append(r.Body, f...)
	}
}
