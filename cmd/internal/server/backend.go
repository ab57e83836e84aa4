package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// backend is the Server as the admin API steers it.
type backend Server

var _ adminapi.Backend = (*backend)(nil)

// Starting implements adminapi.Backend.
func (b *backend) Starting() bool { return !b.opened.Load() }

// NotReady implements adminapi.Backend.
func (b *backend) NotReady() []string {
	// Whoever waited for the server may go on with a command that looks for it in server.json.
	if b.Starting() || !b.announced.Load() {
		return []string{"starting"}
	}
	var reasons []string
	if b.machines.opening() {
		reasons = append(reasons, "the machines of this host are being opened")
	}
	if b.draining.Load() {
		reasons = append(reasons, "stopping")
	}
	if err := b.store.Err(); err != nil {
		reasons = append(reasons, fmt.Sprintf("the store takes no writes: %v", err))
	}
	if up, need := (*Server)(b).devicesUp(); up < need {
		reasons = append(reasons, fmt.Sprintf("%d devices take writes and %d are needed", up, need))
	}
	return reasons
}

// Limits implements adminapi.Backend.
func (b *backend) Limits() []string {
	if b.Starting() {
		return nil
	}
	limits := (*Server)(b).fullDevices()
	if b.cfg.Hypervisor == "off" {
		return limits
	}
	if why := b.machines.limits(); why != "" {
		limits = append(limits, "instances: "+why)
	}
	return limits
}

// CreateUser implements adminapi.Backend.
func (b *backend) CreateUser(ctx context.Context, n adminapi.NewUser) (adminapi.User, error) {
	u, key, err := b.iam.CreateUser(ctx, n.Name, iam.CreateUserOptions{
		AccountID: n.AccountID, AccessKeyID: n.AccessKeyID, Secret: iam.NewSecret(n.SecretAccessKey),
		DisplayName: n.DisplayName, Email: n.Email,
	})
	if err != nil {
		return adminapi.User{}, err
	}
	made := user(u)
	made.AccessKeyID, made.SecretAccessKey = key.ID, key.Secret.Reveal()
	return made, nil
}

// ListUsers implements adminapi.Backend.
func (b *backend) ListUsers(ctx context.Context) ([]adminapi.User, error) {
	all, err := b.iam.ListUsers(ctx, "")
	if err != nil {
		return nil, err
	}
	users := make([]adminapi.User, 0, len(all))
	for _, u := range all {
		users = append(users, user(u))
	}
	return users, nil
}

// DeleteUser implements adminapi.Backend.
func (b *backend) DeleteUser(ctx context.Context, account, name string) error {
	if account == "-" {
		account = "" // the only one with a user of that name
	}
	return b.iam.DeleteUser(ctx, account, name)
}

func user(u iam.User) adminapi.User {
	return adminapi.User{
		Name: u.Name, ID: u.ID, ARN: u.ARN, AccountID: u.Account.ID, CanonicalID: u.Account.CanonicalID,
		DisplayName: u.Account.DisplayName, Created: u.Created.UTC(), AccessKeyIDs: u.AccessKeys, Groups: u.Groups,
	}
}

// RunTask implements adminapi.Backend.
func (b *backend) RunTask(ctx context.Context, name string) (adminapi.TaskResult, error) {
	start := time.Now()
	counts, err := b.runTask(ctx, name)
	if err != nil {
		var known *errs.E
		if errors.As(err, &known) {
			return adminapi.TaskResult{}, err
		}
		return adminapi.TaskResult{}, &errs.E{Op: "admin." + name, Kind: errs.Internal, Msg: name + " failed", Err: err}
	}
	return adminapi.TaskResult{Task: name, Seconds: time.Since(start).Seconds(), Counts: counts}, nil
}

func (b *backend) runTask(ctx context.Context, name string) (map[string]int64, error) {
	switch name {
	case "scrub":
		r, err := b.repairer.AuditOnce(ctx)
		return map[string]int64{
			"copies": r.Blobs, "bytes": r.Bytes, "corrupt": r.Corrupt, "repaired": r.Repaired,
			"unrepairable": r.Unrepairable, "unreadable": r.Unreadable,
		}, err
	case "compact":
		before := b.repairer.Counters().CompactReclaimed.Load()
		err := b.repairer.CompactOnce(ctx)
		return map[string]int64{"reclaimedBytes": b.repairer.Counters().CompactReclaimed.Load() - before}, err
	case "gc":
		c, err := b.repairer.CollectOnce(ctx, time.Now())
		if err != nil {
			return nil, err
		}
		o, err := b.repairer.CollectOrphansOnce(ctx, time.Now())
		return map[string]int64{
			"entries": int64(c.Entries), "blobs": int64(c.Blobs), "postponed": int64(c.Postponed),
			"orphansChecked": o.Checked, "orphansRemoved": o.Removed, "orphansUnknown": o.Unknown,
		}, err
	case "lifecycle":
		r, err := b.objects.LifecycleOnce(ctx)
		return map[string]int64{
			"buckets": r.Buckets, "versions": r.Versions, "expired": r.Expired, "noncurrent": r.Noncurrent,
			"transitioned": r.Transitioned, "aborted": r.Aborted, "kept": r.Kept,
		}, err
	}
	return nil, errs.New(errs.NotFound, "", "there is no task %q: scrub, compact, gc and lifecycle are", name)
}
