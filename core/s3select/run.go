package s3select

import (
	"bufio"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// Input is the form of the object: CSV or JSON.
type Input struct {
	Compression string    // NONE, GZIP or BZIP2; "" is NONE
	CSV         *CSVInput // or
	JSON        string    // LINES or DOCUMENT
	// Only records that begin up to this offset of what is read are looked at; negative is all.
	LastStart int64
	// The first record that is read may begin before the reader does, and is passed over.
	Partial bool
	// The fields' names when the reader begins behind the header.
	Names []string
}

// CSVOutput is the form of an answer in CSV. The zero value of a field is its default.
type CSVOutput struct {
	QuoteAlways     bool
	Escape          string // of quotes inside of quotes; the quote itself
	RecordDelimiter string
	FieldDelimiter  string
	Quote           string
}

// Output is the form of the answer: CSV or JSON.
type Output struct {
	CSV  *CSVOutput // or
	JSON *string    // the record delimiter; "" is a line feed
}

// Runner carries a statement out.
type Runner struct {
	st   *Statement
	env  env
	csv  *csvReader
	json *jsonReader
	in   Input
	out  Output

	header  []string
	raw     *counted // as stored
	plain   *counted // decompressed
	queue   []value  // records of a document that are still to come
	left    int64    // of LIMIT; negative for no limit
	offset  int64    // where the next JSON value begins
	done    bool
	started bool
}

// counted counts what is read.
type counted struct {
	src io.Reader
	n   int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n += int64(n)
	return n, err
}

// NewRunner prepares the statement for the object that src gives.
func NewRunner(st *Statement, in Input, out Output, src io.Reader) (*Runner, error) {
	own := *st
	r := &Runner{st: &own, in: in, out: out, left: st.limit, raw: &counted{src: src}}
	if r.out.CSV != nil {
		c := r.out.CSV.withDefaults()
		r.out.CSV = &c
	}
	r.env = env{alias: st.alias, now: time.Now().UTC()}
	var err error
	body := io.Reader(r.raw)
	switch strings.ToUpper(in.Compression) {
	case "", "NONE":
	case "GZIP":
		body = &unzipper{src: bufio.NewReaderSize(r.raw, 64<<10)}
	case "BZIP2":
		body = &bunzipper{src: bzip2.NewReader(bufio.NewReaderSize(r.raw, 64<<10))}
	default:
		return nil, fail(codeCompression, "The compression is NONE, GZIP or BZIP2")
	}
	r.plain = &counted{src: body}
	switch {
	case in.CSV != nil:
		if len(st.from) > 0 {
			return nil, fail(codeUnsupported, "CSV has no paths in FROM")
		}
		r.csv, err = newCSVReader(r.plain, in.CSV)
		r.env.byName = strings.EqualFold(in.CSV.Header, "USE")
	case strings.EqualFold(in.JSON, "LINES"):
		r.json = newJSONReader(r.plain, MaxRecord)
	default:
		r.json = newJSONReader(r.plain, MaxDocument)
	}
	return r, err
}

// Scanned is how many bytes of the object were read.
func (r *Runner) Scanned() int64 { return r.raw.n }

// Processed is how many bytes those are without compression.
func (r *Runner) Processed() int64 { return r.plain.n }

// Next looks at one record and appends what is selected of it to dst. It returns io.EOF when there are no more, with what
// the aggregates made.
func (r *Runner) Next(dst []byte) ([]byte, error) {
	if r.done || r.left == 0 && len(r.st.sums) == 0 {
		return dst, io.EOF
	}
	record, err := r.read()
	if errors.Is(err, io.EOF) {
		r.done = true
		if len(r.st.sums) > 0 && r.st.limit != 0 {
			r.env.record = nil
			if dst, err = r.write(dst); err != nil {
				return dst, err
			}
		}
		return dst, io.EOF
	} else if err != nil {
		return dst, err
	}
	r.env.record = record
	if r.st.where != nil {
		v, err := r.st.where.eval(&r.env)
		if err != nil {
			return dst, err
		}
		if yes, _ := truth(v); !yes {
			return dst, nil
		}
	}
	if len(r.st.sums) > 0 {
		for _, a := range r.st.sums {
			if err := a.take(&r.env); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
	if r.left > 0 {
		r.left--
	}
	return r.write(dst)
}

// read returns the next record.
func (r *Runner) read() (value, error) {
	if r.csv != nil {
		return r.readCSV()
	}
	for len(r.queue) == 0 {
		if r.in.LastStart >= 0 && r.offset > r.in.LastStart {
			return nil, io.EOF
		}
		if r.in.Partial && !r.started {
			if err := r.skipLine(); err != nil {
				return nil, err
			}
		}
		r.started = true
		v, end, err := r.json.read()
		if err != nil {
			return nil, err
		}
		r.offset = end + 1 // behind the line feed
		r.queue = expand(r.queue[:0], v, r.st.from)
	}
	v := r.queue[0]
	r.queue = r.queue[1:]
	return v, nil
}

// skipLine passes over the rest of a line that began before the reader.
func (r *Runner) skipLine() error {
	br := bufio.NewReaderSize(r.plain, 64<<10)
	n := int64(0)
	for {
		b, err := br.ReadByte()
		if err != nil {
			return err
		}
		if n++; b == '\n' {
			break
		}
	}
	r.json = newJSONReader(br, MaxRecord)
	r.offset = n
	if r.in.LastStart >= 0 {
		r.in.LastStart -= n
		r.offset = 0
		if r.in.LastStart < 0 {
			return io.EOF
		}
	}
	return nil
}

func (r *Runner) readCSV() (value, error) {
	if !r.started {
		r.started = true
		r.header = r.in.Names
		switch header := strings.ToUpper(r.in.CSV.Header); {
		case r.in.Partial:
			if err := r.csv.skipRecord(); err != nil {
				return nil, err
			}
		case header == "USE" || header == "IGNORE":
			fields, _, err := r.csv.read()
			if err != nil {
				return nil, err
			}
			if header == "USE" {
				r.header = append([]string(nil), fields...)
			}
		}
	}
	if r.in.LastStart >= 0 && r.csv.offset > r.in.LastStart {
		return nil, io.EOF
	}
	fields, start, err := r.csv.read()
	if err != nil {
		return nil, err
	}
	if r.in.LastStart >= 0 && start > r.in.LastStart {
		return nil, io.EOF
	}
	return &csvRecord{fields: fields, names: r.header}, nil
}

// Header reads the names of the fields from the beginning of an object.
func Header(c CSVInput, src io.Reader) ([]string, error) {
	r, err := newCSVReader(src, &c)
	if err != nil {
		return nil, err
	}
	fields, _, err := r.read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return append([]string(nil), fields...), err
}

// expand appends the records that the steps of FROM lead to.
func expand(out []value, v value, steps []step) []value {
	if len(steps) == 0 {
		if _, gone := v.(missing); gone {
			return out
		}
		return append(out, v)
	}
	s := steps[0]
	if !s.wildcard {
		return expand(out, s.of(v, nil), steps[1:])
	}
	switch v := v.(type) {
	case []value:
		for _, item := range v {
			out = expand(out, item, steps[1:])
		}
	case *object:
		for _, item := range v.values {
			out = expand(out, item, steps[1:])
		}
	}
	return out
}

// write appends what is selected of the record.
func (r *Runner) write(dst []byte) ([]byte, error) {
	if r.st.star {
		return r.writeAll(dst)
	}
	begin := len(dst)
	if r.out.CSV == nil {
		dst = append(dst, '{')
	}
	first := true
	for i := range r.st.columns {
		c := &r.st.columns[i]
		v, err := c.value.eval(&r.env)
		if err != nil {
			return dst[:begin], err
		}
		if r.out.CSV != nil {
			if i > 0 {
				dst = append(dst, r.out.CSV.FieldDelimiter...)
			}
			dst = r.out.CSV.append(dst, text(v))
			continue
		}
		if _, gone := v.(missing); gone {
			continue
		}
		name := c.name
		if name == "" {
			name = "_" + strconv.Itoa(i+1)
		}
		dst = appendField(dst, first, name, v)
		first = false
	}
	if r.out.CSV == nil {
		dst = append(dst, '}')
	}
	return r.endRecord(dst), r.tooLong(len(dst) - begin)
}

func (r *Runner) tooLong(n int) error {
	if n > MaxDocument {
		return fail(codeRecordSize, "A record of the answer is longer than %d bytes", MaxDocument)
	}
	return nil
}

func (r *Runner) writeAll(dst []byte) ([]byte, error) {
	if r.out.CSV == nil {
		switch v := r.env.record.(type) {
		case *object, *csvRecord:
			dst = appendJSON(dst, v)
		default:
			dst = appendJSON(dst, &object{names: []string{"_1"}, values: []value{v}})
		}
		return r.endRecord(dst), nil
	}
	put := func(i int, s string) {
		if i > 0 {
			dst = append(dst, r.out.CSV.FieldDelimiter...)
		}
		dst = r.out.CSV.append(dst, s)
	}
	switch v := r.env.record.(type) {
	case *object:
		for i := range v.values {
			put(i, text(v.values[i]))
		}
	case *csvRecord:
		for i, f := range v.fields {
			put(i, f)
		}
	default:
		put(0, text(v))
	}
	return r.endRecord(dst), nil
}

func (r *Runner) endRecord(dst []byte) []byte {
	switch {
	case r.out.CSV != nil:
		return append(dst, r.out.CSV.RecordDelimiter...)
	case r.out.JSON == nil || *r.out.JSON == "":
		return append(dst, '\n')
	}
	return append(dst, *r.out.JSON...)
}

func (c CSVOutput) withDefaults() CSVOutput {
	set := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	set(&c.RecordDelimiter, "\n")
	set(&c.FieldDelimiter, ",")
	set(&c.Quote, `"`)
	set(&c.Escape, c.Quote)
	return c
}

// append writes a field, in quotes when it must be.
func (c *CSVOutput) append(dst []byte, s string) []byte {
	if !c.QuoteAlways && !strings.Contains(s, c.FieldDelimiter) && !strings.Contains(s, c.RecordDelimiter) &&
		!strings.Contains(s, c.Quote) && !strings.ContainsAny(s, "\r\n") {
		return append(dst, s...)
	}
	dst = append(dst, c.Quote...)
	dst = append(dst, strings.ReplaceAll(s, c.Quote, c.Escape+c.Quote)...)
	return append(dst, c.Quote...)
}

// unzipper opens the archive at the first read, and gives its failures their code.
type unzipper struct {
	src *bufio.Reader
	z   *gzip.Reader
}

func (u *unzipper) Read(p []byte) (int, error) {
	var err error
	if u.z == nil {
		if u.z, err = gzip.NewReader(u.src); err != nil {
			u.z = nil
			return 0, archiveError(err)
		}
	}
	n, err := u.z.Read(p)
	return n, archiveError(err)
}

type bunzipper struct{ src io.Reader }

func (u *bunzipper) Read(p []byte) (int, error) {
	n, err := u.src.Read(p)
	return n, archiveError(err)
}

func archiveError(err error) error {
	var structural bzip2.StructuralError
	var corrupt flate.CorruptInputError
	switch {
	case err == nil, err == io.EOF:
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fail(codeTruncated, "The compressed object ends early")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &structural), errors.As(err, &corrupt):
		return fail(codeCompression, "The object is not compressed as the request says")
	}
	return err
}
