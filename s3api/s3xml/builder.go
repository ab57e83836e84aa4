package s3xml

import (
	"strconv"
	"time"
)

// Doc is a document under construction. Its methods append; Bytes closes the root.
type Doc struct {
	b    []byte
	root string

	day  int64                    // since 1970, of date
	date [len("2006-01-02T")]byte // of the last time written; zero before there is one
}

// New begins a document whose root is in S3's namespace; size is a guess of its length.
func New(root string, size int) *Doc { return NewIn(Namespace, root, size) }

// NewIn is New in another namespace.
func NewIn(namespace, root string, size int) *Doc {
	d := &Doc{b: make([]byte, 0, max(size, 256)), root: root}
	d.b = append(d.b, Header...)
	return d.begin(namespace)
}

// Bare begins a document whose root is in no namespace.
func Bare(root string, size int) *Doc {
	d := &Doc{b: make([]byte, 0, max(size, 256)), root: root}
	d.b = append(d.b, Header...)
	d.Open(root)
	return d
}

func (d *Doc) begin(namespace string) *Doc {
	d.b = append(d.b, '<')
	d.b = append(d.b, d.root...)
	d.b = append(d.b, ` xmlns="`...)
	d.b = append(d.b, namespace...)
	d.b = append(d.b, `">`...)
	return d
}

// Open starts an element.
func (d *Doc) Open(name string) {
	d.b = append(d.b, '<')
	d.b = append(d.b, name...)
	d.b = append(d.b, '>')
}

// OpenGrantee starts a Grantee of type kind ("CanonicalUser").
func (d *Doc) OpenGrantee(kind string) {
	d.b = append(d.b, `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="`...)
	d.b = append(d.b, kind...)
	d.b = append(d.b, `">`...)
}

// Close ends an element.
func (d *Doc) Close(name string) {
	d.b = append(d.b, '<', '/')
	d.b = append(d.b, name...)
	d.b = append(d.b, '>')
}

// Text writes an element with text, even when it is empty.
func (d *Doc) Text(name, value string) { d.b = AppendElement(d.b, name, value) }

// Optional writes an element with text unless it is empty.
func (d *Doc) Optional(name, value string) {
	if value != "" {
		d.Text(name, value)
	}
}

// ETag writes an ETag in the quotes that belong to it.
func (d *Doc) ETag(etag string) {
	d.b = append(d.b, "<ETag>&quot;"...)
	d.b = AppendText(d.b, etag)
	d.b = append(d.b, "&quot;</ETag>"...)
}

// Int writes a number.
func (d *Doc) Int(name string, n int64) { d.b = AppendInt(d.b, name, n) }

// Bool writes true or false.
func (d *Doc) Bool(name string, v bool) { d.b = AppendBool(d.b, name, v) }

// Time writes a time in S3's format.
func (d *Doc) Time(name string, t time.Time) { d.b = AppendTime(d.b, name, t) }

// Name writes a key or prefix, percent-encoded when urlEncoded.
func (d *Doc) Name(name, value string, urlEncoded bool) {
	if !urlEncoded {
		d.Text(name, value)
		return
	}
	d.Open(name)
	d.b = AppendURLText(d.b, value)
	d.Close(name)
}

// Owner writes an owner or initiator.
func (d *Doc) Owner(name, id, displayName string) {
	d.Open(name)
	d.Text("ID", id)
	d.Optional("DisplayName", displayName)
	d.Close(name)
}

// Lit writes what is XML already.
func (d *Doc) Lit(xml string) { d.b = append(d.b, xml...) }

// NameText is Name without the element around it.
func (d *Doc) NameText(value string, urlEncoded bool) {
	if urlEncoded {
		d.b = AppendURLText(d.b, value)
	} else {
		d.b = AppendText(d.b, value)
	}
}

// TimeText is Time without the element around it. It remembers the day: most entries of a listing share one with the entry
// before them, and the calendar is most of the work.
func (d *Doc) TimeText(t time.Time) {
	const dayLen = 24 * 60 * 60 * 1000
	ms := t.UnixMilli()
	day := ms / dayLen
	if ms < 0 || day != d.day || d.date[0] == 0 {
		start := len(d.b)
		d.b = appendTime(d.b, t)
		if len(d.b)-start == len(TimeFormat) && ms >= 0 {
			d.day = day
			copy(d.date[:], d.b[start:])
		}
		return
	}
	left := int(ms % dayLen)
	d.b = appendClock(append(d.b, d.date[:]...), left/3_600_000, left/60_000%60, left/1000%60)
}

// IntText is Int without the element around it.
func (d *Doc) IntText(n int64) { d.b = strconv.AppendInt(d.b, n, 10) }

// Bytes ends the root and returns the document.
func (d *Doc) Bytes() []byte {
	d.Close(d.root)
	return d.b
}
