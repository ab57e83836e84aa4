package s3select

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// CSVInput is the form of an object of CSV. The zero value of a field is its default.
type CSVInput struct {
	Header           string // NONE, USE or IGNORE
	RecordDelimiter  string // of one or two characters; a line feed
	FieldDelimiter   string // ,
	Quote            string // "
	Escape           string // of quotes inside of quotes; the quote itself
	Comment          string // begins lines to be passed over; none
	QuotedDelimiters bool   // a record delimiter between quotes is part of the field
}

// csvRecord is a record of CSV. Its fields are found by their place, _1, or by the names of the header.
type csvRecord struct {
	fields []string
	names  []string // of the header; nil when it is not used
}

func (r *csvRecord) get(name string, exact bool) value {
	for i, n := range r.names {
		if n == name || !exact && strings.EqualFold(n, name) {
			return r.at(i)
		}
	}
	if place, ok := strings.CutPrefix(name, "_"); ok {
		if n, err := strconv.Atoi(place); err == nil && n > 0 {
			return r.at(n - 1)
		}
	}
	return missing{}
}

func (r *csvRecord) at(i int) value {
	if i < len(r.fields) {
		return r.fields[i]
	}
	return missing{}
}

// name is what field i is called in JSON.
func (r *csvRecord) name(i int) string {
	if i < len(r.names) {
		return r.names[i]
	}
	return "_" + strconv.Itoa(i+1)
}

// csvReader reads records one after the other.
type csvReader struct {
	r        *bufio.Reader
	record   string
	field    string
	quote    int // -1 for none
	escape   int
	comment  int
	quotedRS bool

	offset int64 // of the next byte
	fields []string
	buf    []byte
	ends   []int // of the fields in buf
}

func newCSVReader(src io.Reader, c *CSVInput) (*csvReader, error) {
	r := &csvReader{r: bufio.NewReaderSize(src, 64<<10), record: "\n", field: ",", quote: '"', escape: '"', comment: -1, quotedRS: c.QuotedDelimiters}
	if c.RecordDelimiter != "" {
		r.record = c.RecordDelimiter
	}
	if c.FieldDelimiter != "" {
		r.field = c.FieldDelimiter
	}
	if len(r.record) > 2 || len(r.field) > 2 || r.record == r.field {
		return nil, fail("InvalidRequestParameter", "Delimiters are two different texts of one or two characters")
	}
	for _, one := range [...]struct {
		v  string
		to *int
	}{{c.Quote, &r.quote}, {c.Escape, &r.escape}, {c.Comment, &r.comment}} {
		switch len(one.v) {
		case 0:
		case 1:
			*one.to = int(one.v[0])
		default:
			return nil, fail("InvalidRequestParameter", "Quotes, escapes and comments are one character")
		}
	}
	if c.Escape == "" {
		r.escape = r.quote
	}
	return r, nil
}

// skipRecord passes over the rest of a record.
func (c *csvReader) skipRecord() error {
	last := byte(0)
	for {
		b, err := c.r.ReadByte()
		if err != nil {
			return err
		}
		c.offset++
		if b == c.record[len(c.record)-1] && (len(c.record) == 1 || last == c.record[0]) {
			return nil
		}
		last = b
	}
}

// read returns the next record, which is good until the next read, and where it began.
func (c *csvReader) read() ([]string, int64, error) {
	for {
		start := c.offset
		if c.comment >= 0 {
			if b, err := c.r.Peek(1); err == nil && int(b[0]) == c.comment {
				if err := c.skipRecord(); err != nil {
					return nil, start, err
				}
				continue
			}
		}
		if err := c.scan(); err != nil {
			return nil, start, err
		}
		if len(c.ends) == 1 && c.ends[0] == 0 {
			continue // an empty line
		}
		all := string(c.buf)
		c.fields = c.fields[:0]
		from := 0
		for _, end := range c.ends {
			c.fields = append(c.fields, all[from:end])
			from = end
		}
		return c.fields, start, nil
	}
}

// scan reads a record into buf and ends.
func (c *csvReader) scan() error {
	c.buf, c.ends = c.buf[:0], c.ends[:0]
	begin, began, inside, wasQuoted := 0, false, false, false
	size := 0
	for {
		b, err := c.r.ReadByte()
		if err == io.EOF {
			if !began {
				return io.EOF
			}
			if inside {
				return fail(codeCSV, "The last record ends between quotes")
			}
			c.ends = append(c.ends, len(c.buf))
			return nil
		} else if err != nil {
			return err
		}
		c.offset++
		began = true
		if size++; size > MaxRecord {
			return fail(codeRecordSize, "A record is longer than %d bytes", MaxRecord)
		}
		switch {
		case inside && int(b) == c.escape && c.escape != c.quote:
			if b, err = c.r.ReadByte(); err == nil {
				c.offset++
				c.buf = append(c.buf, b)
			}
			continue
		case inside && int(b) == c.quote:
			if next, err := c.r.Peek(1); err == nil && next[0] == b && c.escape == c.quote {
				c.r.ReadByte()
				c.offset++
				c.buf = append(c.buf, b)
				continue
			}
			inside = false
			continue
		case !inside && int(b) == c.quote && len(c.buf) == begin && !wasQuoted:
			inside, wasQuoted = true, true
			continue
		}
		if (!inside || !c.quotedRS) && c.is(b, c.record) {
			if c.record == "\n" && !wasQuoted && len(c.buf) > begin && c.buf[len(c.buf)-1] == '\r' {
				c.buf = c.buf[:len(c.buf)-1]
			}
			c.ends = append(c.ends, len(c.buf))
			return nil
		}
		switch {
		case !inside && c.is(b, c.field):
			c.ends = append(c.ends, len(c.buf))
			if len(c.ends) > maxColumns {
				return fail(codeColumns, "A record has more than %d columns", maxColumns)
			}
			begin, wasQuoted = len(c.buf), false
		case wasQuoted && !inside && b == '\r' && c.record == "\n":
			// before the end of the line, behind the quote
		default:
			c.buf = append(c.buf, b)
		}
	}
}

// is reports whether b begins a delimiter, and takes the rest of it.
func (c *csvReader) is(b byte, delimiter string) bool {
	if b != delimiter[0] {
		return false
	}
	if len(delimiter) == 1 {
		return true
	}
	next, err := c.r.Peek(1)
	if err != nil || next[0] != delimiter[1] {
		return false
	}
	c.r.ReadByte()
	c.offset++
	return true
}
