package iam

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteCredentialsFile writes the root's key to path in the format of AWS's shared credentials file, mode 0600. The
// file appears whole or not at all; one that is right already is left alone.
func (s *Service) WriteCredentialsFile(path string) error {
	id, c := s.Root()
	if id == "" || c.Secret.IsZero() {
		return errors.New("iam: there is no root key")
	}
	text := fmt.Sprintf("# The root key of this Aureole. Keep it secret.\n[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n",
		id, c.Secret.Reveal())
	if info, err := os.Lstat(path); err == nil && info.Mode() == 0o600 {
		if have, err := os.ReadFile(path); err == nil && string(have) == text {
			return nil
		}
	}
	if err := writeFile(path, []byte(text)); err != nil {
		return fmt.Errorf("iam: writing the credentials: %w", err)
	}
	return nil
}

// writeFile replaces path by a synced file of mode 0600.
func writeFile(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			if rerr := os.Remove(f.Name()); !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
