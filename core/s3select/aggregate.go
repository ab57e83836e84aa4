package s3select

// aggregate is COUNT, SUM, AVG, MIN or MAX. It takes a value of each record, and evaluates to what they make.
type aggregate struct {
	name  string
	x     expr // nil for COUNT(*)
	n     int64
	total value
}

// take counts one record.
func (a *aggregate) take(e *env) error {
	if a.x == nil {
		a.n++
		return nil
	}
	v, err := a.x.eval(e)
	if err != nil || absent(v) {
		return err
	}
	if s, ok := v.(string); ok && s == "" && e.csv() && a.name != "COUNT" {
		return nil
	}
	switch a.name {
	case "SUM", "AVG":
		n, ok := asNumber(v)
		if !ok {
			return fail(codeArguments, "%s is for numbers, not for %.64q", a.name, text(v))
		}
		if a.n == 0 {
			a.total = n
		} else if a.total, err = arithmetic("+", a.total, n); err != nil {
			return err
		}
	case "MIN", "MAX":
		if s, ok := v.(string); ok {
			if n, ok := parseNumber(s); ok {
				v = n
			}
		}
		if a.n > 0 {
			order, ok := compare(v, a.total)
			if !ok {
				return fail(codeArguments, "%s finds values that cannot be compared", a.name)
			}
			if a.name == "MIN" && order >= 0 || a.name == "MAX" && order <= 0 {
				v = a.total
			}
		}
		a.total = v
	}
	a.n++
	return nil
}

func (a *aggregate) eval(*env) (value, error) {
	switch {
	case a.name == "COUNT":
		return a.n, nil
	case a.n == 0:
		return nil, nil
	case a.name == "AVG":
		return toFloat(a.total) / float64(a.n), nil
	}
	return a.total, nil
}
