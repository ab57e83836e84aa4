// Package adminapi is the operators' side door: health, metrics, profiles and the admin API by which the
// commands of the program steer a running server.
//
//	GET    /healthz                            the process answers
//	GET    /readyz                             requests can be served, with what is limited; otherwise 503 and the reasons
//	GET    /metrics                            Prometheus
//	       /debug/pprof/                       profiles, when asked for
//	GET    /admin/v1/ring                      placement and devices
//	POST   /admin/v1/ring/devices              add a device
//	POST   /admin/v1/ring/devices/{id}/{verb}  drain, fail or activate it, or give it a weight
//	DELETE /admin/v1/ring/devices/{id}         remove it
//	POST   /admin/v1/ring/plan                 what a change would move
//	GET    /admin/v1/users                     list users
//	POST   /admin/v1/users                     create a user and its access key
//	DELETE /admin/v1/users/{account}/{name}    delete a user
//	GET    /admin/v1/keys                      list keys of the key service
//	POST   /admin/v1/keys                      create a key
//	POST   /admin/v1/keys/{verb}               rotate, disable or enable a key
//	       /admin/v1/users/{account}/{name}/access-keys, …/policies, /admin/v1/access-keys/{id}, /admin/v1/groups
//	                                           access keys, groups and policies; see Identities
//	POST   /admin/v1/authorization-messages    what an encoded authorization failure message of EC2 says
//	GET    /admin/v1/quotas                    list quotas, or show that of ?bucket= or ?account=
//	PUT    /admin/v1/quotas                    set a quota
//	POST   /admin/v1/images                    make a machine image of what is sent along, or of an object
//	GET    /admin/v1/targets                   list targets of notifications and replicas
//	PUT    /admin/v1/targets/{name}            name a target
//	DELETE /admin/v1/targets/{name}            forget it
//	POST   /admin/v1/tasks/{name}              scrub, compact, gc or lifecycle, now
//
// Guarantees: everything below /admin/ needs the token of the data folder as a bearer token; bodies are bounded;
// every failure is a JSON document with a message for people. Client is the other end.
//
// It does nothing itself: Backend does.
package adminapi

import (
	"context"
	"io"
	"time"
)

// Backend is the server that is steered. Its errors may be *errs.E; their kinds become statuses.
type Backend interface {
	// Starting reports that the server is not open yet; only NotReady may be called until it is.
	Starting() bool
	// NotReady lists why requests cannot be served; none when they can.
	NotReady() []string
	// Limits lists what does not work although requests can be served.
	Limits() []string

	Ring(ctx context.Context) (Ring, error)
	Plan(ctx context.Context, c Change) (Plan, error)
	AddDevice(ctx context.Context, d NewDevice) (Device, error)
	ChangeDevice(ctx context.Context, c Change) (Device, error) // all but add

	CreateUser(ctx context.Context, u NewUser) (User, error)
	ListUsers(ctx context.Context) ([]User, error)
	DeleteUser(ctx context.Context, account, name string) error
	Identities

	// DecodeMessage tells what an encoded authorization failure message says, as JSON.
	DecodeMessage(ctx context.Context, message string) ([]byte, error)

	// AddImage makes an image; next gives what was sent along, part by part, until io.EOF.
	AddImage(ctx context.Context, n NewImage, next func() (name string, body io.Reader, err error)) (Image, error)

	RunTask(ctx context.Context, name string) (TaskResult, error)

	KeyBackend
	QuotaBackend
	TargetBackend
}

// Ring is how placement stands.
type Ring struct {
	Version      uint64   `json:"version"`
	Partitions   int      `json:"partitions"`
	Replicas     int      `json:"replicas"` // configured
	Width        int      `json:"width"`    // replicas that each partition has with the devices there are
	Quorum       int      `json:"quorum"`
	Balance      float64  `json:"balance"`       // largest deviation from a device's share, in percent
	Dispersion   float64  `json:"dispersion"`    // partitions whose replicas stand too close, in percent
	Overload     float64  `json:"overload"`      // share a device may take beyond its weight
	PendingMoves int      `json:"pendingMoves"`  // replicas the ring has still to move, step by step
	PendingCopy  int64    `json:"pendingCopies"` // copies to make or give away; -1 until a pass has gone over this version
	Devices      []Device `json:"devices"`
}

// Device is one device of the ring.
type Device struct {
	ID         uint16  `json:"id"`
	Path       string  `json:"path"`
	Zone       string  `json:"zone,omitempty"`
	Weight     float64 `json:"weight"`
	State      string  `json:"state"`  // active, draining, failed
	Health     string  `json:"health"` // healthy, full, suspect, broken, missing
	Partitions int     `json:"partitions"`
	Off        float64 `json:"off"` // deviation from its share, in percent
	Blobs      int64   `json:"blobs"`
	Bytes      int64   `json:"bytes"` // of live blobs
	DiskBytes  int64   `json:"diskBytes"`
	FreeBytes  int64   `json:"freeBytes"`
	Removable  bool    `json:"removable"` // draining and empty, or failed
}

// NewDevice asks for a device in the data folder Path.
type NewDevice struct {
	Path   string  `json:"path"`
	Zone   string  `json:"zone,omitempty"`
	Weight float64 `json:"weight,omitempty"` // 0: by the size of its file system
}

// Change is one change of the ring.
type Change struct {
	Verb   string     `json:"verb"` // add, drain, fail, activate, weight, remove; "" asks for what is under way
	ID     uint16     `json:"id,omitempty"`
	Weight float64    `json:"weight,omitempty"` // of verb weight
	Device *NewDevice `json:"device,omitempty"`
}

// Plan is what a change would do.
type Plan struct {
	Moves      int     `json:"moves"`   // replicas of the first step
	Pending    int     `json:"pending"` // replicas left to later steps
	Flows      []Flow  `json:"flows"`
	Balance    float64 `json:"balance"` // after the first step
	Dispersion float64 `json:"dispersion"`
}

// Flow is how many replicas one device gives another; 0 stands for none.
type Flow struct {
	From     uint16 `json:"from"`
	To       uint16 `json:"to"`
	Replicas int    `json:"replicas"`
}

// NewUser asks for a user. Without keys they are generated; without an account the user gets one of its own.
type NewUser struct {
	Name            string `json:"name"`
	AccountID       string `json:"account,omitempty"`
	AccessKeyID     string `json:"accessKey,omitempty"`
	SecretAccessKey string `json:"secretKey,omitempty"`
	DisplayName     string `json:"displayName,omitempty"` // of a new account
	Email           string `json:"email,omitempty"`       // of a new account
}

// User is a user; the secret is shown once, when it was created.
type User struct {
	Name            string    `json:"name"`
	ID              string    `json:"id"`
	ARN             string    `json:"arn"`
	AccountID       string    `json:"account"`
	CanonicalID     string    `json:"canonicalId,omitempty"`
	DisplayName     string    `json:"displayName,omitempty"` // of the account
	Groups          []string  `json:"groups,omitempty"`
	Created         time.Time `json:"created"`
	AccessKeyIDs    []string  `json:"accessKeys,omitempty"`
	AccessKeyID     string    `json:"accessKey,omitempty"`
	SecretAccessKey string    `json:"secretKey,omitempty"`
}

// NewImage asks for a machine image.
type NewImage struct {
	Name         string `json:"name"`
	Description  string `json:"description,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	BootMode     string `json:"bootMode,omitempty"`
	Cmdline      string `json:"cmdline,omitempty"` // of a kernel that is sent along
	Public       bool   `json:"public,omitempty"`
	Alias        string `json:"alias,omitempty"`    // owner alias, such as amazon
	Location     string `json:"location,omitempty"` // BUCKET/KEY, when nothing is sent along
	Existing     bool   `json:"existing,omitempty"` // an image of that name is as good as a new one
}

// Image is a machine image.
type Image struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	State   string `json:"state"`
	SizeGiB int    `json:"sizeGiB"`
}

// TaskResult is what a task did or that it began.
type TaskResult struct {
	Task    string           `json:"task"`
	Seconds float64          `json:"seconds"`
	Counts  map[string]int64 `json:"counts,omitempty"`
}

// failure is the body of every error answer.
type failure struct {
	Error string `json:"error"`
}
