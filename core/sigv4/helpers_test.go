package sigv4_test

import (
	"errors"

	"github.com/aureole-cloud/aureole/core/sigv4"
)

func reason(err error) sigv4.Reason {
	var e *sigv4.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func detail(err error, name string) string {
	var e *sigv4.Error
	if errors.As(err, &e) {
		return e.Detail(name)
	}
	return ""
}
