package agent_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/agent"
	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/hypervisor"
	"github.com/aureole-cloud/aureole/hypervisor/libvirt"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local"
)

// host is a cloud of one host, whose machines are those of libvirt's test driver.
type host struct {
	*testing.T
	compute *compute.Service
	driver  *slowStarts
	who     iam.Principal
	image   string
}

// slowStarts is a driver whose machines come up once they are let.
type slowStarts struct {
	hypervisor.Driver
	mu    sync.Mutex
	slow  bool
	begun chan string   // the machines that are held
	let   chan struct{} // closed: they come up
}

func (d *slowStarts) Start(ctx context.Context, name string) error {
	d.mu.Lock()
	slow := d.slow
	d.mu.Unlock()
	if slow {
		d.begun <- name
		select {
		case <-d.let:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return d.Driver.Start(ctx, name)
}

func (d *slowStarts) set(slow bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slow = slow
}

type noObjects struct{}

func (noObjects) Put(_ context.Context, _ string, body io.Reader, _ int64) error {
	_, err := io.Copy(io.Discard, body)
	return err
}
func (noObjects) Get(context.Context, string) (io.ReadCloser, int64, error) {
	return nil, 0, errors.New("there are no objects")
}
func (noObjects) Delete(context.Context, string) error { return nil }
func (o noObjects) Open(ctx context.Context, _ iam.Principal, _, key string) (io.ReadCloser, int64, error) {
	return o.Get(ctx, key)
}

func newHost(t *testing.T, parallel int) *host {
	t.Helper()
	h := &host{T: t}
	ctx := t.Context()
	store, err := local.Open(local.Default(t.TempDir()))
	h.must(err)
	t.Cleanup(func() { store.Close() })
	sealer, err := iam.NewSealer(make([]byte, 32))
	h.must(err)
	people, err := iam.Open(ctx, iam.Config{Store: store, Sealer: sealer})
	h.must(err)
	t.Cleanup(people.Close)
	_, root := people.Root()
	h.who = root.Principal
	nets, err := network.Open(ctx, network.Config{Store: store, Region: "us-east-1", Limits: network.DefaultLimits(),
		Zones: []network.Zone{{Name: "us-east-1a", ID: "use1-az1"}}, PublicPool: []netip.Prefix{netip.MustParsePrefix("100.65.0.0/16")}})
	h.must(err)
	t.Cleanup(nets.Close)
	h.compute, err = compute.Open(ctx, compute.Config{
		Store: store, Network: nets, IAM: people, Objects: noObjects{}, Scratch: t.TempDir(),
		Types: func(name string) (compute.InstanceType, bool) {
			return compute.InstanceType{Name: name, VCPUs: 1, MemoryMiB: 512, Architectures: []string{"x86_64"}}, name == "t3.nano"
		},
		Keys: func(kv.View, string, string) (compute.KeyPair, error) {
			return compute.KeyPair{}, errors.New("there are no keys")
		},
	})
	h.must(err)
	t.Cleanup(h.compute.Close)
	parts := []compute.Part{{Name: "kernel", Body: strings.NewReader("kernel")}}
	img, err := h.compute.AddImage(ctx, h.who.AccountID, compute.ImageSpec{Name: "image"}, func() (compute.Part, error) {
		if len(parts) == 0 {
			return compute.Part{}, io.EOF
		}
		p := parts[0]
		parts = nil
		return p, nil
	})
	h.must(err)
	h.image = img.ID

	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	driver, err := libvirt.Open(ctx, libvirt.Config{URI: libvirt.Test, Owner: ids.New(ids.Instance), Log: log})
	if err != nil {
		t.Fatalf("%v\nThe test needs libvirtd: run \"make setup\" as root.", err)
	}
	t.Cleanup(func() { h.must(driver.Close()) })
	h.driver = &slowStarts{Driver: driver, begun: make(chan string, 100), let: make(chan struct{})}
	a, err := agent.Open(ctx, agent.Config{
		Host: "host-1", Zones: []string{"us-east-1a"}, Region: "us-east-1", Folder: t.TempDir(), Store: store, Compute: h.compute,
		Network: nets, Hypervisor: h.driver, Logger: log, Kind: "test", VCPUs: 100, MemoryMiB: 1 << 20, Parallel: parallel,
	})
	h.must(err)
	t.Cleanup(func() { h.must(a.Close()) })
	return h
}

func (h *host) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *host) launch(n int) (ids []string) {
	h.Helper()
	res, err := h.compute.Run(h.Context(), h.who, &compute.RunInput{Image: h.image, Type: "t3.nano", Min: n, Max: n, Interfaces: []compute.InterfaceRequest{{}}})
	h.must(err)
	for _, i := range res.Instances {
		ids = append(ids, i.ID)
	}
	return ids
}

// become waits until instances are in a state.
func (h *host) become(want compute.State, ids ...string) {
	h.Helper()
	deadline := time.Now().Add(time.Minute)
	for _, id := range ids {
		for {
			i, err := h.compute.Instance(h.Context(), h.who.AccountID, id)
			h.must(err)
			if i.State == want {
				break
			}
			if time.Now().After(deadline) {
				h.Fatalf("%s is %s, not %s", id, i.State, want)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// Machines that are slow to come up hold back others that come up at most: none that is to stop, to end, or whose launch is
// taken back.
func TestSlowStarts(t *testing.T) {
	const parallel = 3
	h := newHost(t, parallel)
	running := h.launch(2)
	h.become(compute.Running, running...)

	h.driver.set(true)
	slow := h.launch(1)
	<-h.driver.begun
	h.driver.set(false)
	beside := h.launch(2)
	h.become(compute.Running, beside...) // there are places for them

	h.driver.set(true)
	slow = append(slow, h.launch(2*parallel)...) // now there are none
	for range parallel - 1 {
		<-h.driver.begun
	}
	_, err := h.compute.Stop(t.Context(), h.who.AccountID, running[:1], false)
	h.must(err)
	h.become(compute.Stopped, running[0])
	_, err = h.compute.Terminate(t.Context(), h.who.AccountID, running[1:])
	h.must(err)
	h.become(compute.Terminated, running[1])
	for range len(h.driver.begun) {
		t.Errorf("%s comes up beside %d others", <-h.driver.begun, parallel)
	}
	first, last := slow[:len(slow)-2], slow[len(slow)-2:]
	_, err = h.compute.Terminate(t.Context(), h.who.AccountID, last)
	h.must(err)

	close(h.driver.let)
	h.become(compute.Terminated, last...)
	h.become(compute.Running, first...)
	rest := slices.Concat(first, beside, running[:1])
	_, err = h.compute.Terminate(t.Context(), h.who.AccountID, rest)
	h.must(err)
	h.become(compute.Terminated, rest...)
	left, err := h.driver.List(t.Context())
	h.must(err)
	if len(left) > 0 {
		t.Errorf("machines are left: %v", left)
	}
}
