package chunked

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
)

const trailerSignature = "x-amz-trailer-signature"

// announcedTrailers reads x-amz-trailer.
func announcedTrailers(header string) ([]string, error) {
	var names []string
	for name := range strings.SplitSeq(header, ",") {
		if name = strings.ToLower(strings.Trim(name, " \t")); name != "" {
			names = append(names, name)
		}
	}
	if len(names) > maxTrailers {
		return nil, malformedTrailer("%d trailers announced", len(names))
	}
	return names, nil
}

// parseTrailers reads what follows the last chunk: lines of name:value, ended by CRLF or LF, with empty lines
// between and behind them, because some writers end each trailer with LF CRLF. Exactly the announced
// trailers must be there. With a chain their signature must be there as well, and right.
func parseTrailers(raw []byte, announced []string, c *chain) ([]Trailer, error) {
	var found []Trailer
	var canonical, signature []byte
	for len(raw) > 0 {
		var l []byte
		var whole bool
		if l, raw, whole = bytes.Cut(raw, []byte{'\n'}); !whole {
			return nil, malformedTrailer("the last line has no end")
		}
		l = bytes.TrimSuffix(l, []byte{'\r'})
		if len(l) == 0 {
			continue
		}
		name, value, ok := bytes.Cut(l, []byte{':'})
		if !ok || len(name) == 0 {
			return nil, malformedTrailer("a line without a name")
		}
		t := Trailer{Name: strings.ToLower(string(name)), Value: strings.Trim(string(value), " \t")}
		switch {
		case signature != nil:
			return nil, malformedTrailer("%q follows the signature", t.Name)
		case t.Name == trailerSignature && c != nil:
			signature = []byte(t.Value)
			continue
		case !slices.Contains(announced, t.Name):
			return nil, malformedTrailer("%q was not announced", clip(t.Name, 64))
		case slices.ContainsFunc(found, func(o Trailer) bool { return o.Name == t.Name }):
			return nil, malformedTrailer("%q comes twice", t.Name)
		}
		found = append(found, t)
		canonical = fmt.Appendf(canonical, "%s:%s\n", t.Name, t.Value)
	}
	if len(found) != len(announced) {
		return nil, malformedTrailer("%d of %d announced trailers", len(found), len(announced))
	}
	if c == nil {
		return found, nil
	}
	if signature == nil {
		return nil, malformedTrailer("no %s", trailerSignature)
	}
	if err := c.endTrailer(canonical, signature); err != nil {
		return nil, err
	}
	return found, nil
}

func malformedTrailer(format string, args ...any) error {
	return &errs.E{Op: "chunked.Read", Kind: errs.Invalid, Reason: MalformedTrailer, Err: fmt.Errorf(format, args...),
		Msg: "The request contained trailing data that was not well-formed or did not conform to our published schema."}
}
