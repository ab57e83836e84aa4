//go:build !linux

package blob

import "github.com/cockroachdb/pebble/v2/vfs"

func startWriteback(vfs.File, int64, int64) {}

func trim(vfs.File, int64) {}
