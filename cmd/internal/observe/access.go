package observe

import (
	"context"
	"log/slog"
	"strings"

	"github.com/aureole-cloud/aureole/s3api"
)

// AccessLog writes a line per request: all of them, or only those that failed by a fault of the server.
type AccessLog struct {
	log  *slog.Logger
	mode string
}

// NewAccessLog makes an access log; mode is all, errors or off.
func NewAccessLog(log *slog.Logger, mode string) *AccessLog { return &AccessLog{log: log, mode: mode} }

// Observe writes the line of a request.
func (a *AccessLog) Observe(e *s3api.Event) {
	level := slog.LevelInfo
	switch {
	case e.Status >= 500 && e.Status != 501 && e.Status != 503, e.Cut:
		level = slog.LevelError
	case e.Status == 503:
		level = slog.LevelWarn
	case a.mode != "all":
		return
	}
	ctx := context.Background()
	if a.mode == "off" || !a.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs, slog.String("req", e.RequestID), slog.String("op", e.Operation), slog.Int("status", e.Status),
		slog.Duration("took", e.Duration), slog.Int64("in", e.BytesIn), slog.Int64("out", e.BytesOut))
	text := func(name, value string) {
		if value != "" {
			// The strings may lie in a buffer that is used again once the request has ended.
			attrs = append(attrs, slog.String(name, strings.Clone(value)))
		}
	}
	text("method", e.Method)
	text("bucket", e.Bucket)
	text("key", e.Key)
	text("code", e.Code)
	if e.Cut {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	text("account", e.Account)
	text("access_key", e.AccessKey)
	text("auth", e.Scheme)
	text("agent", e.UserAgent)
	if e.Remote != nil {
		attrs = append(attrs, slog.String("remote", e.Remote.String()))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("err", e.Err.Error()))
	}
	a.log.LogAttrs(ctx, level, "request", attrs...)
}

// Tee tells several observers about each request, in order.
type Tee []s3api.Observer

// Observe passes the event on.
func (b Tee) Observe(e *s3api.Event) {
	for _, o := range b {
		o.Observe(e)
	}
}
