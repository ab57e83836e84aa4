package hypervisor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// TailConsole returns the last max bytes of a console log, and of the older part that the log daemon has put aside as
// PATH.0 when the newer one is too short. A log that does not exist yet is empty.
func TailConsole(path string, max int) ([]byte, error) {
	tail, err := tailFile(path, max)
	if err != nil {
		return nil, fmt.Errorf("read console log: %w", err)
	}
	if len(tail) < max {
		older, err := tailFile(path+".0", max-len(tail))
		if err != nil {
			return nil, fmt.Errorf("read console log: %w", err)
		}
		tail = append(older, tail...)
	}
	return tail, nil
}

// RemoveConsole removes a console log with its older parts.
func RemoveConsole(path string) error {
	var errs []error
	for _, p := range []string{path, path + ".0", path + ".1", path + ".2", path + ".3"} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func tailFile(path string, max int) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() > int64(max) {
		if _, err := f.Seek(-int64(max), io.SeekEnd); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(io.LimitReader(f, int64(max)))
}
