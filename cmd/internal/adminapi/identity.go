package adminapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Identities is the part of Backend that is about access keys, groups and policies. An empty account stands for the only one
// that has what is named.
type Identities interface {
	CreateAccessKey(ctx context.Context, account, user string, k NewAccessKey) (AccessKey, error)
	ListAccessKeys(ctx context.Context, account, user string) ([]AccessKey, error)
	SetAccessKey(ctx context.Context, id string, active bool) error
	DeleteAccessKey(ctx context.Context, id string) error

	CreateGroup(ctx context.Context, g NewGroup) (Group, error)
	ListGroups(ctx context.Context) ([]Group, error)
	DeleteGroup(ctx context.Context, account, name string) error
	SetMember(ctx context.Context, account, group, user string, member bool) error

	PutPolicy(ctx context.Context, h Holder, name string, document []byte) error
	Policy(ctx context.Context, h Holder, name string) (Policy, error)
	ListPolicies(ctx context.Context, h Holder) ([]Policy, error)
	DeletePolicy(ctx context.Context, h Holder, name string) error
}

// NewAccessKey asks for an access key; what is empty is generated.
type NewAccessKey struct {
	AccessKeyID     string `json:"accessKey,omitempty"`
	SecretAccessKey string `json:"secretKey,omitempty"`
}

// AccessKey is an access key; the secret is shown once, when it was created.
type AccessKey struct {
	AccessKeyID     string    `json:"accessKey"`
	SecretAccessKey string    `json:"secretKey,omitempty"`
	AccountID       string    `json:"account"`
	User            string    `json:"user"`
	Status          string    `json:"status"` // Active or Inactive
	Created         time.Time `json:"created"`
}

// NewGroup asks for a group.
type NewGroup struct {
	Name      string `json:"name"`
	AccountID string `json:"account,omitempty"` // empty: the root's
}

// Group is a group of users.
type Group struct {
	Name      string    `json:"name"`
	ID        string    `json:"id"`
	ARN       string    `json:"arn"`
	AccountID string    `json:"account"`
	Users     []string  `json:"users"`
	Created   time.Time `json:"created"`
}

// Holder is a user or a group that holds policies.
type Holder struct {
	Kind    string // users or groups
	Account string
	Name    string
}

// Policy is a policy of a user or a group.
type Policy struct {
	Name     string          `json:"name"`
	Changed  time.Time       `json:"changed"`
	Document json.RawMessage `json:"document"`
}

// keyState is the body of a change of a key.
type keyState struct {
	Active *bool `json:"active"`
}

// identityRoutes are the routes of Identities.
func (h *handler) identityRoutes() map[string]func(*http.Request) (any, error) {
	at := func(r *http.Request) (string, string) { return account(r.PathValue("account")), r.PathValue("name") }
	b := h.Backend
	routes := map[string]func(*http.Request) (any, error){
		"GET /admin/v1/users/{account}/{name}/access-keys": func(r *http.Request) (any, error) {
			a, n := at(r)
			return b.ListAccessKeys(r.Context(), a, n)
		},
		"POST /admin/v1/users/{account}/{name}/access-keys": func(r *http.Request) (any, error) {
			var k NewAccessKey
			if err := readJSON(r, &k); err != nil {
				return nil, err
			}
			a, n := at(r)
			return b.CreateAccessKey(r.Context(), a, n, k)
		},
		"PUT /admin/v1/access-keys/{id}": func(r *http.Request) (any, error) {
			var s keyState
			if err := readJSON(r, &s); err != nil {
				return nil, err
			}
			return nil, b.SetAccessKey(r.Context(), r.PathValue("id"), s.Active == nil || *s.Active)
		},
		"DELETE /admin/v1/access-keys/{id}": func(r *http.Request) (any, error) {
			return nil, b.DeleteAccessKey(r.Context(), r.PathValue("id"))
		},
		"GET /admin/v1/groups": func(r *http.Request) (any, error) { return b.ListGroups(r.Context()) },
		"POST /admin/v1/groups": func(r *http.Request) (any, error) {
			var g NewGroup
			if err := readJSON(r, &g); err != nil {
				return nil, err
			}
			return b.CreateGroup(r.Context(), g)
		},
		"DELETE /admin/v1/groups/{account}/{name}": func(r *http.Request) (any, error) {
			a, n := at(r)
			return nil, b.DeleteGroup(r.Context(), a, n)
		},
		"PUT /admin/v1/groups/{account}/{name}/users/{user}": func(r *http.Request) (any, error) {
			a, n := at(r)
			return nil, b.SetMember(r.Context(), a, n, r.PathValue("user"), true)
		},
		"DELETE /admin/v1/groups/{account}/{name}/users/{user}": func(r *http.Request) (any, error) {
			a, n := at(r)
			return nil, b.SetMember(r.Context(), a, n, r.PathValue("user"), false)
		},
	}
	for _, kind := range [...]string{"users", "groups"} {
		holder := func(r *http.Request) Holder {
			a, n := at(r)
			return Holder{Kind: kind, Account: a, Name: n}
		}
		path := " /admin/v1/" + kind + "/{account}/{name}/policies"
		routes["GET"+path] = func(r *http.Request) (any, error) { return b.ListPolicies(r.Context(), holder(r)) }
		routes["GET"+path+"/{policy}"] = func(r *http.Request) (any, error) {
			return b.Policy(r.Context(), holder(r), r.PathValue("policy"))
		}
		routes["PUT"+path+"/{policy}"] = func(r *http.Request) (any, error) {
			var document json.RawMessage
			if err := readJSON(r, &document); err != nil {
				return nil, err
			}
			return nil, b.PutPolicy(r.Context(), holder(r), r.PathValue("policy"), document)
		}
		routes["DELETE"+path+"/{policy}"] = func(r *http.Request) (any, error) {
			return nil, b.DeletePolicy(r.Context(), holder(r), r.PathValue("policy"))
		}
	}
	return routes
}

// account is an account of a path, where "-" stands for the only one that has what is named.
func account(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// under is the path of something of a user or a group.
func under(kind, account, name string, more ...string) string {
	if account == "" {
		account = "-"
	}
	path := kind + "/" + url.PathEscape(account) + "/" + url.PathEscape(name)
	for _, m := range more {
		path += "/" + url.PathEscape(m)
	}
	return path
}

// CreateAccessKey gives a user a further access key.
func (c *Client) CreateAccessKey(ctx context.Context, account, user string, n NewAccessKey) (k AccessKey, err error) {
	return k, c.call(ctx, http.MethodPost, under("users", account, user, "access-keys"), n, &k)
}

// ListAccessKeys lists the access keys of a user.
func (c *Client) ListAccessKeys(ctx context.Context, account, user string) (ks []AccessKey, err error) {
	return ks, c.call(ctx, http.MethodGet, under("users", account, user, "access-keys"), nil, &ks)
}

// SetAccessKey turns an access key on or off.
func (c *Client) SetAccessKey(ctx context.Context, id string, active bool) error {
	return c.call(ctx, http.MethodPut, "access-keys/"+url.PathEscape(id), keyState{&active}, nil)
}

// DeleteAccessKey deletes an access key.
func (c *Client) DeleteAccessKey(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "access-keys/"+url.PathEscape(id), nil, nil)
}

// CreateGroup makes a group.
func (c *Client) CreateGroup(ctx context.Context, n NewGroup) (g Group, err error) {
	return g, c.call(ctx, http.MethodPost, "groups", n, &g)
}

// ListGroups lists all groups of all accounts.
func (c *Client) ListGroups(ctx context.Context) (gs []Group, err error) {
	return gs, c.call(ctx, http.MethodGet, "groups", nil, &gs)
}

// DeleteGroup deletes a group that nobody is in.
func (c *Client) DeleteGroup(ctx context.Context, account, name string) error {
	return c.call(ctx, http.MethodDelete, under("groups", account, name), nil, nil)
}

// SetMember puts a user into a group or takes it out.
func (c *Client) SetMember(ctx context.Context, account, group, user string, member bool) error {
	method := http.MethodPut
	if !member {
		method = http.MethodDelete
	}
	return c.call(ctx, method, under("groups", account, group, "users", user), nil, nil)
}

// PutPolicy gives a user or a group a policy.
func (c *Client) PutPolicy(ctx context.Context, h Holder, name string, document []byte) error {
	return c.call(ctx, http.MethodPut, under(h.Kind, h.Account, h.Name, "policies", name), json.RawMessage(document), nil)
}

// Policy returns a policy of a user or a group.
func (c *Client) Policy(ctx context.Context, h Holder, name string) (p Policy, err error) {
	return p, c.call(ctx, http.MethodGet, under(h.Kind, h.Account, h.Name, "policies", name), nil, &p)
}

// ListPolicies lists the policies of a user or a group.
func (c *Client) ListPolicies(ctx context.Context, h Holder) (ps []Policy, err error) {
	return ps, c.call(ctx, http.MethodGet, under(h.Kind, h.Account, h.Name, "policies"), nil, &ps)
}

// DeletePolicy takes a policy from a user or a group.
func (c *Client) DeletePolicy(ctx context.Context, h Holder, name string) error {
	return c.call(ctx, http.MethodDelete, under(h.Kind, h.Account, h.Name, "policies", name), nil, nil)
}
