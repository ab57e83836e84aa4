package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Client calls the admin API of a running server.
type Client struct {
	Base  string // http://127.0.0.1:9001
	Token string
	HTTP  *http.Client // nil is http.DefaultClient
}

// Error is a refusal of the server.
type Error struct {
	Status  int
	Message string
}

func (e *Error) Error() string { return e.Message }

// Ring asks how placement stands.
func (c *Client) Ring(ctx context.Context) (r Ring, err error) {
	return r, c.call(ctx, http.MethodGet, "ring", nil, &r)
}

// Plan asks what a change would do.
func (c *Client) Plan(ctx context.Context, ch Change) (p Plan, err error) {
	return p, c.call(ctx, http.MethodPost, "ring/plan", ch, &p)
}

// AddDevice adds a device.
func (c *Client) AddDevice(ctx context.Context, n NewDevice) (d Device, err error) {
	return d, c.call(ctx, http.MethodPost, "ring/devices", n, &d)
}

// ChangeDevice makes a change of a device that is in the ring.
func (c *Client) ChangeDevice(ctx context.Context, ch Change) (d Device, err error) {
	path := "ring/devices/" + strconv.Itoa(int(ch.ID))
	if ch.Verb == "remove" {
		return d, c.call(ctx, http.MethodDelete, path, nil, &d)
	}
	return d, c.call(ctx, http.MethodPost, path+"/"+ch.Verb, ch, &d)
}

// CreateUser creates a user with an access key.
func (c *Client) CreateUser(ctx context.Context, n NewUser) (u User, err error) {
	return u, c.call(ctx, http.MethodPost, "users", n, &u)
}

// ListUsers lists all users of all accounts.
func (c *Client) ListUsers(ctx context.Context) (us []User, err error) {
	return us, c.call(ctx, http.MethodGet, "users", nil, &us)
}

// DeleteUser deletes a user and its keys; an empty account stands for the only one with a user of that name.
func (c *Client) DeleteUser(ctx context.Context, account, name string) error {
	if account == "" {
		account = "-"
	}
	return c.call(ctx, http.MethodDelete, "users/"+url.PathEscape(account)+"/"+url.PathEscape(name), nil, nil)
}

// RunTask runs a task and waits for its end.
func (c *Client) RunTask(ctx context.Context, name string) (t TaskResult, err error) {
	return t, c.call(ctx, http.MethodPost, "tasks/"+url.PathEscape(name), nil, &t)
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+"/admin/v1/"+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.do(req, out)
}

// do sends a request and reads its answer.
func (c *Client) do(req *http.Request, out any) error {
	req.Header.Set("Authorization", "Bearer "+c.Token)
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("no server answers at %s: %w", c.Base, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("answer of %s: %w", c.Base, err)
	}
	if resp.StatusCode >= 300 {
		var f failure
		if json.Unmarshal(data, &f) != nil || f.Error == "" {
			f.Error = fmt.Sprintf("%s answered %s to %s", c.Base, resp.Status, req.URL.Path)
		}
		return &Error{Status: resp.StatusCode, Message: f.Error}
	}
	if out == nil || len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("answer of %s: %w", c.Base, err)
	}
	return nil
}
