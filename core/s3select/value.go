package s3select

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

// value is one of: nil (NULL), missing, bool, int64, float64, string, time.Time, []value, *object.
type value any

// missing is what is not there, which is not NULL.
type missing struct{}

// object is a JSON object or a record of CSV: names in order. Names may come twice; the first counts.
type object struct {
	names  []string
	values []value
}

// get finds a field. A name without quotes matches in any case.
func (o *object) get(name string, exact bool) value {
	for i, n := range o.names {
		if n == name {
			return o.values[i]
		}
	}
	if !exact {
		for i, n := range o.names {
			if strings.EqualFold(n, name) {
				return o.values[i]
			}
		}
	}
	return missing{}
}

// absent reports whether v is NULL or MISSING.
func absent(v value) bool {
	switch v.(type) {
	case nil, missing:
		return true
	}
	return false
}

// parseNumber reads an integer, or else a floating point number.
func parseNumber(s string) (value, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 400 {
		return nil, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	c := s[len(s)-1]
	if !isDigit(c) && c != '.' { // no "inf", "nan" or hexadecimal
		return nil, false
	}
	if strings.ContainsAny(s, "xXpP_") {
		return nil, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// asNumber is v as a number. Text is one if it looks like one.
func asNumber(v value) (value, bool) {
	switch v := v.(type) {
	case int64, float64:
		return v, true
	case string:
		return parseNumber(v)
	}
	return nil, false
}

func toFloat(v value) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

// compare orders two values that are there; ok is false when they are not comparable.
func compare(a, b value) (order int, ok bool) {
	switch x := a.(type) {
	case bool:
		y, ok := b.(bool)
		if s, text := b.(string); text {
			y, ok = strings.EqualFold(s, "true"), strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
		}
		if !ok {
			return 0, false
		}
		return cmp.Compare(ordinal(x), ordinal(y)), true
	case time.Time:
		y, ok := asTime(b)
		return x.Compare(y), ok
	case string:
		switch y := b.(type) {
		case string:
			return cmp.Compare(x, y), true
		case bool, time.Time:
			order, ok := compare(y, x)
			return -order, ok
		}
	}
	switch b.(type) {
	case int64, float64, string:
	default:
		return 0, false
	}
	x, xok := asNumber(a)
	y, yok := asNumber(b)
	if !xok || !yok {
		return 0, false
	}
	if i, ok := x.(int64); ok {
		if j, ok := y.(int64); ok {
			return cmp.Compare(i, j), true
		}
	}
	return cmp.Compare(toFloat(x), toFloat(y)), true
}

func ordinal(b bool) int {
	if b {
		return 1
	}
	return 0
}

// equal is compare for values of any kind.
func equal(a, b value) bool {
	order, ok := compare(a, b)
	return ok && order == 0
}

func arithmetic(op string, a, b value) (value, error) {
	x, xok := asNumber(a)
	y, yok := asNumber(b)
	if !xok || !yok {
		return nil, fail(codeArguments, "%s is for numbers", op)
	}
	i, iok := x.(int64)
	j, jok := y.(int64)
	if iok && jok {
		return integers(op, i, j)
	}
	f, g := toFloat(x), toFloat(y)
	switch op {
	case "+":
		return f + g, nil
	case "-":
		return f - g, nil
	case "*":
		return f * g, nil
	}
	if g == 0 {
		return nil, fail("DivideByZero", "Division by zero")
	}
	if op == "%" {
		return math.Mod(f, g), nil
	}
	return f / g, nil
}

func integers(op string, i, j int64) (value, error) {
	var r int64
	ok := true
	switch op {
	case "+":
		r = i + j
		ok = (r > i) == (j > 0)
	case "-":
		r = i - j
		ok = (r < i) == (j > 0)
	case "*":
		r = i * j
		ok = i == 0 || r/i == j && !(i == -1 && j == math.MinInt64)
	default:
		if j == 0 {
			return nil, fail("DivideByZero", "Division by zero")
		}
		if i == math.MinInt64 && j == -1 {
			return nil, fail(codeOverflow, "Integer overflow")
		}
		if op == "%" {
			return i % j, nil
		}
		return i / j, nil
	}
	if !ok {
		return nil, fail(codeOverflow, "Integer overflow")
	}
	return r, nil
}

// text is v as text; objects and lists are JSON.
func text(v value) string {
	switch v := v.(type) {
	case nil, missing:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return formatFloat(v)
	case time.Time:
		return formatTime(v)
	}
	return string(appendJSON(nil, v))
}

func formatFloat(f float64) string {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
