package adminapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
)

// KeyBackend is the key service as it is steered.
type KeyBackend interface {
	CreateKey(ctx context.Context, n NewKey) (Key, error)
	ListKeys(ctx context.Context, account string) ([]Key, error)
	ChangeKey(ctx context.Context, c KeyChange) (Key, error)
}

// NewKey asks for a key of the key service.
type NewKey struct {
	AccountID   string `json:"account,omitempty"` // "" is the root's, and every account may use the key
	Alias       string `json:"alias,omitempty"`
	Description string `json:"description,omitempty"`
}

// KeyChange asks for a change of a key.
type KeyChange struct {
	Verb      string `json:"-"` // rotate, disable or enable
	AccountID string `json:"account,omitempty"`
	Key       string `json:"key"` // id, ARN or alias
}

// Key is a key of the key service. Its material is never shown.
type Key struct {
	ID          string    `json:"id"`
	ARN         string    `json:"arn,omitempty"`
	AccountID   string    `json:"account,omitempty"`
	Aliases     []string  `json:"aliases,omitempty"`
	Description string    `json:"description,omitempty"`
	Managed     bool      `json:"managed"`
	Shared      bool      `json:"shared"`
	Enabled     bool      `json:"enabled"`
	Created     time.Time `json:"created"`
	Rotated     time.Time `json:"rotated"`
	Versions    int       `json:"versions"`
}

func (h *handler) createKey(r *http.Request) (any, error) {
	var n NewKey
	if err := readJSON(r, &n); err != nil {
		return nil, err
	}
	return h.Backend.CreateKey(r.Context(), n)
}

func (h *handler) listKeys(r *http.Request) (any, error) {
	keys, err := h.Backend.ListKeys(r.Context(), r.URL.Query().Get("account"))
	if keys == nil {
		keys = []Key{}
	}
	return keys, err
}

func (h *handler) changeKey(r *http.Request) (any, error) {
	c := KeyChange{Verb: r.PathValue("verb")}
	switch c.Verb {
	case "rotate", "disable", "enable":
	default:
		return nil, errs.New(errs.NotFound, "", "keys know rotate, disable and enable, not %q", c.Verb)
	}
	if err := readJSON(r, &c); err != nil {
		return nil, err
	}
	return h.Backend.ChangeKey(r.Context(), c)
}

// CreateKey makes a key of the key service.
func (c *Client) CreateKey(ctx context.Context, n NewKey) (k Key, err error) {
	return k, c.call(ctx, http.MethodPost, "keys", n, &k)
}

// ListKeys lists the keys of an account, or all.
func (c *Client) ListKeys(ctx context.Context, account string) (ks []Key, err error) {
	return ks, c.call(ctx, http.MethodGet, "keys?account="+url.QueryEscape(account), nil, &ks)
}

// ChangeKey rotates, disables or enables a key.
func (c *Client) ChangeKey(ctx context.Context, ch KeyChange) (k Key, err error) {
	return k, c.call(ctx, http.MethodPost, "keys/"+url.PathEscape(ch.Verb), ch, &k)
}
