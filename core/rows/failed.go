package rows

import (
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Failed gives an error of the store its kind; nil stays nil. Errors that have a kind keep it.
func Failed(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kv.ErrNoSpace):
		return errs.Wrap(op, errs.NoSpace, err)
	case errors.Is(err, kv.ErrClosed), errors.Is(err, kv.ErrUnknownOutcome):
		return errs.Wrap(op, errs.Unavailable, err)
	}
	return errs.Wrap(op, errs.Internal, err)
}
