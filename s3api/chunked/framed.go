package chunked

import (
	"bytes"
	"fmt"
	"io"

	"github.com/aureole-cloud/aureole/core/errs"
)

// framed is an aws-chunked body:
//
//	body    = *chunk last [trailers] CRLF
//	chunk   = hex-size [";chunk-signature=" hex] CRLF data CRLF
//	last    = "0" [";chunk-signature=" hex] CRLF
//	trailer = name ":" value ( CRLF | LF )
//
// Chunks may have any size. The buffer holds lines; data that is in it already is copied out, and all other
// data is read from the source into the caller's memory.
type framed struct {
	src       io.Reader
	out       *Reader // receives the trailers
	chain     *chain  // nil when chunks are not signed
	trailing  bool    // trailers may follow
	announced []string

	total int64 // decoded bytes that are still to come, by the request's header
	chunk int64 // bytes left of the current chunk
	open  bool  // inside a chunk, or at its end with the CRLF still to be read
	count int   // chunks begun

	buf  []byte // storage of the window
	r, w int    // the window: buf[r:w] was read from the source and not consumed yet
}

func newFramed(src io.Reader, out *Reader, announced []string, c *chain, trailing bool) *framed {
	return &framed{src: src, out: out, chain: c, trailing: trailing, announced: announced, total: out.size, buf: make([]byte, bufferSize)}
}

func (f *framed) Read(p []byte) (int, error) {
	n := 0
	for {
		switch {
		case f.chunk > 0:
			if n == len(p) || n > 0 && f.r == f.w {
				return n, nil // deliver what is there rather than wait for more
			}
			m, err := f.data(p[n:])
			n += m
			if err != nil {
				return n, err
			}
		case n > 0 && f.r == f.w:
			return n, nil
		case f.open:
			if err := f.endChunk(); err != nil {
				return n, err
			}
		default:
			last, err := f.beginChunk()
			if err != nil {
				return n, err
			}
			if last {
				return n, f.finish()
			}
		}
	}
}

// data reads a part of the current chunk into p.
func (f *framed) data(p []byte) (n int, err error) {
	if int64(len(p)) > f.chunk {
		p = p[:f.chunk]
	}
	switch {
	case f.r < f.w:
		n = copy(p, f.buf[f.r:f.w])
		f.r += n
	case len(p) >= len(f.buf):
		n, err = readSome(f.src, p)
	default:
		// A small read: let the buffer take more at once.
		if err = f.fill(); err == nil {
			n = copy(p, f.buf[f.r:f.w])
			f.r += n
		}
	}
	f.chunk -= int64(n)
	f.total -= int64(n)
	if f.chain != nil {
		f.chain.data.Write(p[:n])
	}
	if err == io.EOF && n > 0 {
		err = nil // the next read meets it again
	}
	if err != nil {
		return n, ended(err)
	}
	return n, nil
}

// fill reads more into the window. The window must not span the whole buffer.
func (f *framed) fill() error {
	if f.r > 0 {
		f.w = copy(f.buf, f.buf[f.r:f.w])
		f.r = 0
	}
	n, err := readSome(f.src, f.buf[f.w:])
	f.w += n
	if n > 0 {
		return nil
	}
	return err
}

// line consumes a line that ends in CRLF and returns it without that. It is valid until the next fill.
func (f *framed) line() ([]byte, error) {
	from := 0
	for {
		if i := bytes.IndexByte(f.buf[f.r+from:f.w], '\n'); i >= 0 {
			l := f.buf[f.r : f.r+from+i]
			f.r += from + i + 1
			if len(l) == 0 || l[len(l)-1] != '\r' {
				return nil, badChunk(f.count, "a chunk's line does not end in CRLF")
			}
			return l[:len(l)-1], nil
		}
		from = f.w - f.r
		if from >= maxChunkLine {
			return nil, badChunk(f.count, "a chunk's line is too long")
		}
		if err := f.fill(); err != nil {
			return nil, ended(err)
		}
	}
}

// beginChunk reads a chunk's line.
func (f *framed) beginChunk() (last bool, err error) {
	l, err := f.line()
	if err != nil {
		return false, err
	}
	f.count++
	digits, extension, _ := bytes.Cut(l, []byte{';'})
	size, err := parseSize(digits)
	if err != nil {
		return false, badChunk(f.count, "its size is not a hexadecimal number: "+err.Error())
	}
	if size > f.total {
		return false, incomplete(fmt.Errorf("chunk %d has %d bytes, %d were to come", f.count, size, f.total))
	}
	if f.chain != nil {
		if !f.chain.begin(extension) {
			return false, badChunk(f.count, "it has no signature of the right length")
		}
	}
	if size == 0 {
		return true, nil
	}
	f.chunk, f.open = size, true
	return false, nil
}

// endChunk reads the CRLF behind a chunk's data and checks the chunk's signature.
func (f *framed) endChunk() error {
	for f.w-f.r < 2 {
		if err := f.fill(); err != nil {
			return ended(err)
		}
	}
	if f.buf[f.r] != '\r' || f.buf[f.r+1] != '\n' {
		return badChunk(f.count, "a chunk's data is not followed by CRLF")
	}
	f.r += 2
	f.open = false
	if f.chain != nil {
		return f.chain.end()
	}
	return nil
}

// finish is at the end of the last chunk's line: it checks that signature and reads what follows.
func (f *framed) finish() error {
	if f.chain != nil {
		if err := f.chain.end(); err != nil {
			return err
		}
	}
	if f.total != 0 {
		return incomplete(fmt.Errorf("%d bytes are missing", f.total))
	}
	rest, err := f.rest()
	if err != nil {
		return err
	}
	if !f.trailing {
		if len(bytes.Trim(rest, "\r\n")) != 0 {
			return badChunk(f.count, "data follows the last chunk")
		}
		return io.EOF
	}
	f.out.trailers, err = parseTrailers(rest, f.announced, f.chain)
	if err != nil {
		return err
	}
	return io.EOF
}

// rest reads the source to its end. It is short, or refused.
func (f *framed) rest() ([]byte, error) {
	all := append([]byte(nil), f.buf[f.r:f.w]...)
	for {
		f.r, f.w = 0, 0
		err := f.fill()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, ended(err)
		}
		all = append(all, f.buf[f.r:f.w]...)
		if len(all) > maxTrailer {
			return nil, malformedTrailer("longer than %d bytes", maxTrailer)
		}
	}
}

// parseSize reads the hexadecimal length of a chunk: digits only, no sign, no prefix.
func parseSize(digits []byte) (int64, error) {
	if len(digits) == 0 || len(digits) > 15 {
		return 0, fmt.Errorf("%d digits", len(digits))
	}
	var n int64
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, fmt.Errorf("digit %q", c)
		}
		n = n<<4 | int64(c)
	}
	return n, nil
}

// badChunk is the failure of framing that cannot be followed.
func badChunk(count int, why string) error {
	return &errs.E{Op: "chunked.Read", Kind: errs.Invalid, Reason: IncompleteBody,
		Msg: "The request body terminated unexpectedly", Err: fmt.Errorf("chunk %d: %s", count, why)}
}
