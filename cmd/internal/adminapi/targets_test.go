package adminapi_test

import (
	"context"
	"slices"
	"testing"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
)

func (b *backend) PutTarget(_ context.Context, t adminapi.Target) error {
	b.calls = append(b.calls, "put target "+t.Name+" "+t.URL+" "+t.Secret)
	return b.err
}

func (b *backend) ListTargets(context.Context) ([]adminapi.Target, error) {
	return []adminapi.Target{{Name: "t"}}, b.err
}

func (b *backend) DeleteTarget(_ context.Context, name string) error {
	b.calls = append(b.calls, "delete target "+name)
	return b.err
}

func TestTargets(t *testing.T) {
	b := &backend{}
	c, _ := serve(t, b, false)
	ctx := context.Background()
	if err := c.PutTarget(ctx, adminapi.Target{Name: "a.b", URL: "http://h", Secret: "s"}); err != nil {
		t.Error(err)
	}
	if ts, err := c.ListTargets(ctx); err != nil || len(ts) != 1 || ts[0].Name != "t" {
		t.Errorf("%+v %v", ts, err)
	}
	if err := c.DeleteTarget(ctx, "a.b"); err != nil {
		t.Error(err)
	}
	if want := []string{"put target a.b http://h s", "delete target a.b"}; !slices.Equal(b.calls, want) {
		t.Errorf("%q", b.calls)
	}
}
