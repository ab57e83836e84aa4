package adminapi

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// TargetBackend is what the server knows of systems that it sends something to.
type TargetBackend interface {
	PutTarget(ctx context.Context, t Target) error
	ListTargets(ctx context.Context) ([]Target, error)
	DeleteTarget(ctx context.Context, name string) error
}

// Target is a receiver of notifications or replicas. Its secret goes in and never comes out.
type Target struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	URL       string    `json:"url"`
	Subject   string    `json:"subject,omitempty"`
	Stream    bool      `json:"stream,omitempty"`
	Bucket    string    `json:"bucket,omitempty"`
	Region    string    `json:"region,omitempty"`
	AccessKey string    `json:"accessKey,omitempty"`
	Secret    string    `json:"secret,omitempty"`
	Created   time.Time `json:"created,omitzero"`
}

func (h *handler) listTargets(r *http.Request) (any, error) {
	ts, err := h.Backend.ListTargets(r.Context())
	if ts == nil {
		ts = []Target{}
	}
	return ts, err
}

func (h *handler) putTarget(r *http.Request) (any, error) {
	var t Target
	if err := readJSON(r, &t); err != nil {
		return nil, err
	}
	t.Name = r.PathValue("name")
	return nil, h.Backend.PutTarget(r.Context(), t)
}

func (h *handler) deleteTarget(r *http.Request) (any, error) {
	return nil, h.Backend.DeleteTarget(r.Context(), r.PathValue("name"))
}

// PutTarget keeps a target in place of one of its name.
func (c *Client) PutTarget(ctx context.Context, t Target) error {
	return c.call(ctx, http.MethodPut, "targets/"+url.PathEscape(t.Name), t, nil)
}

// ListTargets lists targets without their secrets.
func (c *Client) ListTargets(ctx context.Context) (ts []Target, err error) {
	return ts, c.call(ctx, http.MethodGet, "targets", nil, &ts)
}

// DeleteTarget forgets a target.
func (c *Client) DeleteTarget(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, "targets/"+url.PathEscape(name), nil, nil)
}
