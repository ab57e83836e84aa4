package repair

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := repeats{log: slog.New(slog.NewTextHandler(&out, nil))}
		for range 1000 {
			r.about(t.Context(), slog.LevelWarn, "blob could not be copied", 1, "blob", "a")
		}
		r.about(t.Context(), slog.LevelWarn, "blob could not be copied", 2, "blob", "b")
		r.about(t.Context(), slog.LevelWarn, "blob cannot be audited", 1, "blob", "c")
		if n := strings.Count(out.String(), "\n"); n != 3 {
			t.Fatalf("%d lines, want one for each device and kind:\n%s", n, out.String())
		}
		out.Reset()
		time.Sleep(repeatEvery)
		r.about(t.Context(), slog.LevelWarn, "blob could not be copied", 1, "blob", "d")
		if got := out.String(); !strings.Contains(got, "left_out=999") || !strings.Contains(got, "blob=d") {
			t.Errorf("after a while: %s", got)
		}
	})
}
