package repair

import (
	"context"

	"golang.org/x/time/rate"
)

// limiter lets through so many per second; nil lets everything through.
type limiter struct{ l *rate.Limiter }

func newLimiter(perSecond int64) *limiter {
	if perSecond <= 0 {
		return nil
	}
	return &limiter{rate.NewLimiter(rate.Limit(perSecond), int(min(perSecond, 1<<30)))}
}

// wait blocks until n more may pass.
func (l *limiter) wait(ctx context.Context, n int) error {
	if l == nil {
		return ctx.Err()
	}
	for n > 0 {
		k := min(n, l.l.Burst())
		if err := l.l.WaitN(ctx, k); err != nil {
			return err
		}
		n -= k
	}
	return nil
}
