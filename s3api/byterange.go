package s3api

import (
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
)

// parseRange reads a Range header. What S3 does not honour is no range: other units, several ranges, nonsense.
func parseRange(v string) object.Range {
	spec, ok := strings.CutPrefix(strings.TrimSpace(v), "bytes=")
	if !ok || strings.IndexByte(spec, ',') >= 0 {
		return object.Range{}
	}
	from, to, ok := strings.Cut(spec, "-")
	if !ok {
		return object.Range{}
	}
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	first, okFirst := parseDigits(from)
	last, okLast := parseDigits(to)
	switch {
	case from == "" && okLast:
		return object.Range{Kind: object.RangeSuffix, Last: last}
	case okFirst && to == "":
		return object.Range{Kind: object.RangeFrom, First: first}
	case okFirst && okLast && first <= last:
		return object.Range{Kind: object.RangeFromTo, First: first, Last: last}
	}
	return object.Range{}
}

// parseCopyRange reads x-amz-copy-source-range, which must be complete: bytes=first-last.
func parseCopyRange(v string) (object.Range, bool) {
	rng := parseRange(v)
	return rng, rng.Kind == object.RangeFromTo
}

// parseDigits reads a decimal number of digits only; one beyond int64 is as good as the largest.
func parseDigits(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 1<<63 - 1, true
	}
	return n, true
}

// contentRange is the Content-Range of a part of a body.
func contentRange(offset, length, size int64) string {
	b := make([]byte, 0, 48)
	b = append(b, "bytes "...)
	b = strconv.AppendInt(b, offset, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, offset+length-1, 10)
	b = append(b, '/')
	return string(strconv.AppendInt(b, size, 10))
}
