package s3select

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// function gets arguments that have been evaluated; part is of dates.
type function func(e *env, part string, args []value) (value, error)

// signature is a function and how many arguments it takes.
type signature struct {
	least, most int
	f           function
}

// functions are those of S3 Select. NULL and MISSING give NULL where nothing else is said.
var functions = map[string]signature{
	"COALESCE":         {1, maxColumns, coalesce},
	"NULLIF":           {2, 2, nullIf},
	"CHAR_LENGTH":      {1, 1, onText(func(s string) (value, error) { return int64(utf8.RuneCountInString(s)), nil })},
	"CHARACTER_LENGTH": {1, 1, onText(func(s string) (value, error) { return int64(utf8.RuneCountInString(s)), nil })},
	"LOWER":            {1, 1, onText(func(s string) (value, error) { return strings.ToLower(s), nil })},
	"UPPER":            {1, 1, onText(func(s string) (value, error) { return strings.ToUpper(s), nil })},
	"SUBSTRING":        {2, 3, substring},
	"TRIM":             {3, 3, trim},
	"SIZE":             {1, 1, size},
	"UTCNOW":           {0, 0, func(e *env, _ string, _ []value) (value, error) { return e.now, nil }},
	"TO_TIMESTAMP":     {1, 2, toTimestamp},
	"TO_STRING":        {2, 2, toString},
	"EXTRACT":          {1, 1, extract},
	"DATE_ADD":         {2, 2, dateAdd},
	"DATE_DIFF":        {2, 2, dateDiff},
}

func coalesce(_ *env, _ string, args []value) (value, error) {
	for _, v := range args {
		if !absent(v) {
			return v, nil
		}
	}
	return nil, nil
}

func nullIf(_ *env, _ string, args []value) (value, error) {
	if !absent(args[0]) && !absent(args[1]) && equal(args[0], args[1]) {
		return nil, nil
	}
	return args[0], nil
}

func onText(f func(string) (value, error)) function {
	return func(_ *env, _ string, args []value) (value, error) {
		if absent(args[0]) {
			return nil, nil
		}
		return f(text(args[0]))
	}
}

// substring counts characters from 1, as SQL does: what lies before the first one takes off the length.
func substring(_ *env, _ string, args []value) (value, error) {
	for _, v := range args {
		if absent(v) {
			return nil, nil
		}
	}
	from, ok := integer(args[1])
	if !ok {
		return nil, fail(codeArguments, "The start of SUBSTRING is an integer")
	}
	s := []rune(text(args[0]))
	end := int64(len(s)) + 1
	if len(args) == 3 {
		n, ok := integer(args[2])
		if !ok || n < 0 {
			return nil, fail(codeArguments, "The length of SUBSTRING is an integer, and not negative")
		}
		if n < end && from < end-n {
			end = from + n
		}
	}
	from, end = min(max(from, 1), int64(len(s))+1), max(end, 1)
	if end <= from {
		return "", nil
	}
	return string(s[from-1 : end-1]), nil
}

func integer(v value) (int64, bool) {
	n, ok := asNumber(v)
	if !ok {
		return 0, false
	}
	switch n := n.(type) {
	case int64:
		return n, true
	case float64:
		if n > -1e15 && n < 1e15 {
			return int64(n), true
		}
	}
	return 0, false
}

func trim(_ *env, _ string, args []value) (value, error) {
	if absent(args[1]) || absent(args[2]) {
		return nil, nil
	}
	s, chars := text(args[2]), text(args[1])
	switch args[0] {
	case "LEADING":
		return strings.TrimLeft(s, chars), nil
	case "TRAILING":
		return strings.TrimRight(s, chars), nil
	}
	return strings.Trim(s, chars), nil
}

func size(_ *env, _ string, args []value) (value, error) {
	switch v := args[0].(type) {
	case nil, missing:
		return nil, nil
	case []value:
		return int64(len(v)), nil
	case *object:
		return int64(len(v.names)), nil
	}
	return nil, fail(codeArguments, "SIZE is for lists and objects")
}

func (c *cast) eval(e *env) (value, error) {
	v, err := c.x.eval(e)
	if err != nil || absent(v) {
		return nil, err
	}
	bad := func() (value, error) {
		return nil, fail(codeCast, "Attempt to convert %.64q to %s failed", text(v), c.to)
	}
	switch c.to {
	case "STRING":
		return text(v), nil
	case "TIMESTAMP":
		if t, ok := asTime(v); ok {
			return t, nil
		}
		return bad()
	case "BOOL":
		if n, ok := v.(int64); ok {
			return n != 0, nil
		}
		b, ok := truth(v)
		if !ok {
			return bad()
		}
		return b, nil
	}
	if b, ok := v.(bool); ok {
		v = int64(ordinal(b))
	}
	n, ok := asNumber(v)
	if !ok {
		return bad()
	}
	if c.to == "FLOAT" {
		return toFloat(n), nil
	}
	i, ok := integer(n)
	if whole, exact := n.(int64); exact {
		i, ok = whole, true
	}
	if !ok {
		return bad()
	}
	return i, nil
}

// dateParts are the parts of a date that functions know.
var dateParts = map[string]bool{"YEAR": true, "MONTH": true, "DAY": true, "HOUR": true, "MINUTE": true, "SECOND": true,
	"TIMEZONE_HOUR": true, "TIMEZONE_MINUTE": true}

func times(args []value) ([]time.Time, error) {
	out := make([]time.Time, len(args))
	for i, v := range args {
		t, ok := asTime(v)
		if !ok {
			return nil, fail(codeArguments, "%.64q is no timestamp", text(v))
		}
		out[i] = t
	}
	return out, nil
}

func toTimestamp(_ *env, _ string, args []value) (value, error) {
	if absent(args[0]) {
		return nil, nil
	}
	if len(args) == 2 {
		pattern, ok := args[1].(string)
		if !ok {
			return nil, fail(codeInvalidTime, "The pattern of TO_TIMESTAMP is a text")
		}
		return parseByPattern(text(args[0]), pattern)
	}
	t, err := times(args)
	if err != nil {
		return nil, err
	}
	return t[0], nil
}

func toString(_ *env, _ string, args []value) (value, error) {
	if absent(args[0]) || absent(args[1]) {
		return nil, nil
	}
	t, err := times(args[:1])
	if err != nil {
		return nil, err
	}
	return formatByPattern(t[0], text(args[1]))
}

func extract(_ *env, part string, args []value) (value, error) {
	if absent(args[0]) {
		return nil, nil
	}
	ts, err := times(args)
	if err != nil {
		return nil, err
	}
	t := ts[0]
	_, offset := t.Zone()
	return map[string]value{"YEAR": int64(t.Year()), "MONTH": int64(t.Month()), "DAY": int64(t.Day()), "HOUR": int64(t.Hour()),
		"MINUTE": int64(t.Minute()), "SECOND": int64(t.Second()), "TIMEZONE_HOUR": int64(offset / 3600),
		"TIMEZONE_MINUTE": int64(offset % 3600 / 60)}[part], nil
}

func dateAdd(_ *env, part string, args []value) (value, error) {
	if absent(args[0]) || absent(args[1]) {
		return nil, nil
	}
	n, ok := integer(args[0])
	ts, err := times(args[1:])
	if err != nil {
		return nil, err
	}
	if !ok || n > 1e9 || n < -1e9 {
		return nil, fail(codeArguments, "DATE_ADD adds an integer")
	}
	t := ts[0]
	switch part {
	case "YEAR":
		t = t.AddDate(int(n), 0, 0)
	case "MONTH":
		t = t.AddDate(0, int(n), 0)
	case "DAY":
		t = t.AddDate(0, 0, int(n))
	case "HOUR":
		t = t.Add(time.Duration(n) * time.Hour)
	case "MINUTE":
		t = t.Add(time.Duration(n) * time.Minute)
	case "SECOND":
		t = t.Add(time.Duration(n) * time.Second)
	default:
		return nil, fail(codeArguments, "DATE_ADD does not add %s", part)
	}
	if y := t.Year(); y < 0 || y > 9999 {
		return nil, fail(codeArguments, "The year %s is beyond 9999", strconv.Itoa(y))
	}
	return t, nil
}

func dateDiff(_ *env, part string, args []value) (value, error) {
	if absent(args[0]) || absent(args[1]) {
		return nil, nil
	}
	ts, err := times(args)
	if err != nil {
		return nil, err
	}
	a, b := ts[0], ts[1]
	months := func() int64 {
		n := int64(b.Year()-a.Year())*12 + int64(b.Month()-a.Month())
		switch whole := a.AddDate(0, int(n), 0); {
		case n > 0 && whole.After(b):
			n--
		case n < 0 && whole.Before(b):
			n++
		}
		return n
	}
	switch part {
	case "YEAR":
		return months() / 12, nil
	case "MONTH":
		return months(), nil
	case "DAY":
		return (b.Unix() - a.Unix()) / 86400, nil
	case "HOUR":
		return (b.Unix() - a.Unix()) / 3600, nil
	case "MINUTE":
		return (b.Unix() - a.Unix()) / 60, nil
	case "SECOND":
		return b.Unix() - a.Unix(), nil
	}
	return nil, fail(codeArguments, "DATE_DIFF does not count %s", part)
}
