package object

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Failures of the rules, made where they are met so that each carries its resource.

func noSuchBucket(name string) error {
	return errs.New(errs.NotFound, NoSuchBucket, "The specified bucket does not exist").On(name)
}

func noSuchKey(key string) error {
	return errs.New(errs.NotFound, NoSuchKey, "The specified key does not exist.").On(key)
}

func noSuchVersion(key, version string) error {
	e := errs.New(errs.NotFound, NoSuchVersion, "The specified version does not exist.").On(key)
	e.Detail = map[string]string{"VersionId": version}
	return e
}

func noSuchUpload(key, upload string) error {
	e := errs.New(errs.NotFound, NoSuchUpload,
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.").On(key)
	e.Detail = map[string]string{"UploadId": upload}
	return e
}

func preconditionFailed(condition string) error {
	e := errs.New(errs.Precondition, PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
	e.Detail = map[string]string{"Condition": condition}
	return e
}

func invalidArgument(format string, args ...any) error {
	return errs.New(errs.Invalid, InvalidArgument, format, args...)
}

func invalidRequest(format string, args ...any) error {
	return errs.New(errs.Invalid, InvalidRequest, format, args...)
}

// failed gives what op met the vocabulary of errs, and the resource when it has none.
func failed(op, resource string, err error) error {
	if err == nil {
		return nil
	}
	var e *errs.E
	if errors.As(err, &e) {
		if e.Op != "" && e.Resource != "" {
			return err
		}
		c := *e
		if c.Op == "" {
			c.Op = op
		}
		if c.Resource == "" {
			c.Resource = resource
		}
		return &c
	}
	return &errs.E{Op: op, Kind: kindOf(err), Resource: resource, Err: err}
}

// kindOf classifies what the storage layer reports.
func kindOf(err error) errs.Kind {
	var corrupt *blob.CorruptError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errs.Canceled
	case errors.Is(err, kv.ErrNoSpace), errors.Is(err, blob.ErrNoSpace), errors.Is(err, blobs.ErrNoSpace):
		return errs.NoSpace
	case errors.As(err, &corrupt), errors.Is(err, blobs.ErrCorrupt), errors.Is(err, blobs.ErrNotFound),
		errors.Is(err, errRecord), errors.Is(err, errSchema):
		return errs.Corrupt
	case errors.Is(err, kv.ErrClosed), errors.Is(err, kv.ErrUnknownOutcome), errors.Is(err, blobs.ErrUnavailable),
		errors.Is(err, blobs.ErrClosed):
		return errs.Unavailable
	case errors.Is(err, kv.ErrConditionFailed):
		return errs.Conflict
	}
	return errs.Internal
}

// outcomeKnown reports whether err leaves no doubt that nothing was committed.
func outcomeKnown(err error) bool {
	return !errors.Is(err, kv.ErrUnknownOutcome) && !errors.Is(err, kv.ErrClosed) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// isMoved reports whether err may come from a version that was superseded while it was read.
func isMoved(err error) bool { return errors.Is(err, errMoved) || errors.Is(err, blobs.ErrNotFound) }
