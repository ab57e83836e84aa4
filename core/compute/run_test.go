package compute_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local"
)

// objects is a bucket in memory.
type objects struct {
	mu  sync.Mutex
	all map[string]string
}

func (o *objects) Put(_ context.Context, key string, body io.Reader, _ int64) error {
	data, err := io.ReadAll(body)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all[key] = string(data)
	return err
}

func (o *objects) Get(_ context.Context, key string) (io.ReadCloser, int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	data, ok := o.all[key]
	if !ok {
		return nil, 0, errs.New(errs.NotFound, "NoSuchKey", "no %s", key)
	}
	return io.NopCloser(strings.NewReader(data)), int64(len(data)), nil
}

func (o *objects) Delete(_ context.Context, key string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.all, key)
	return nil
}

func (o *objects) Open(ctx context.Context, _ iam.Principal, bucket, key string) (io.ReadCloser, int64, error) {
	return o.Get(ctx, bucket+"/"+key)
}

func (o *objects) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.all)
}

type cloud struct {
	*compute.Service
	store   kv.Store
	nets    *network.Service
	objects *objects
	who     iam.Principal
	image   string
}

const host = "host-1"

// open makes instances on a real store, with one host of some size.
func open(t testing.TB, vcpus, mib int64, q compute.Quotas) *cloud {
	t.Helper()
	ctx := t.Context()
	store, err := local.Open(local.Default(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	sealer, err := iam.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	people, err := iam.Open(ctx, iam.Config{Store: store, Sealer: sealer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(people.Close)
	nets, err := network.Open(ctx, network.Config{
		Store: store, Region: "us-east-1", Zones: []network.Zone{{Name: "us-east-1a", ID: "use1-az1"}},
		PublicPool: []netip.Prefix{netip.MustParsePrefix("100.65.0.0/16")}, Limits: network.DefaultLimits(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nets.Close)
	c := &cloud{store: store, nets: nets, objects: &objects{all: map[string]string{}}}
	c.Service, err = compute.Open(ctx, compute.Config{
		Store: store, Network: nets, IAM: people, Objects: c.objects, Scratch: t.TempDir(), Quotas: q,
		Types: func(name string) (compute.InstanceType, bool) {
			return compute.InstanceType{Name: name, VCPUs: 2, MemoryMiB: 512, Architectures: []string{"x86_64"}}, name == "t3.nano"
		},
		Keys: func(kv.View, string, string) (compute.KeyPair, error) {
			return compute.KeyPair{}, errors.New("no keys")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	_, root := people.Root()
	c.who = root.Principal
	if _, err := c.SetHost(ctx, compute.Host{ID: host, Zones: []string{"us-east-1a"}, Architecture: "x86_64", State: compute.HostUp, VCPUs: vcpus, MemoryMiB: mib}); err != nil {
		t.Fatal(err)
	}
	parts := []compute.Part{{Name: "kernel", Body: strings.NewReader("kernel")}}
	img, err := c.AddImage(ctx, c.who.AccountID, compute.ImageSpec{Name: "image"}, func() (compute.Part, error) {
		if len(parts) == 0 {
			return compute.Part{}, io.EOF
		}
		p := parts[0]
		parts = parts[1:]
		return p, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.image = img.ID
	return c
}

func (c *cloud) input(least, most int) *compute.RunInput {
	return &compute.RunInput{Image: c.image, Type: "t3.nano", Min: least, Max: most, Interfaces: []compute.InterfaceRequest{{}}}
}

// Many calls at once: the host is filled to the last place and never beyond, each instance has an address of its own, and
// what ends makes room again.
func TestRacesForTheLastPlace(t *testing.T) {
	const places = 20
	c := open(t, 2*places, 1<<20, compute.DefaultQuotas())
	ctx := t.Context()
	fill := func() (made []*compute.Instance) {
		var mu sync.Mutex
		var work sync.WaitGroup
		for range 8 {
			work.Go(func() {
				for range 5 {
					res, err := c.Run(ctx, c.who, c.input(1, 2))
					if err != nil {
						if errs.ReasonOf(err) != compute.NoCapacity {
							t.Error(err)
						}
						continue
					}
					mu.Lock()
					made = append(made, res.Instances...)
					mu.Unlock()
				}
			})
		}
		work.Wait()
		return made
	}
	for range 2 {
		made := fill()
		addresses := map[string]bool{}
		for _, i := range made {
			addresses[i.PrivateIP] = true
		}
		if len(made) != places || len(addresses) != places {
			t.Fatalf("%d instances with %d addresses on %d places", len(made), len(addresses), places)
		}
		for _, i := range made {
			if _, err := c.Terminate(ctx, c.who.AccountID, []string{i.ID}); err != nil {
				t.Fatal(err)
			}
			if err := c.Report(ctx, i.Account, i.ID, compute.Sight{Seen: compute.SeenGone}); err != nil {
				t.Fatal(err)
			}
			if len(c.nets.InterfacesOf(i.ID)) != 0 {
				t.Fatal("a terminated instance has an interface")
			}
		}
		bound, err := c.Bound(ctx, host)
		if err != nil || len(bound) != 0 {
			t.Fatalf("%d instances are still bound: %v", len(bound), err)
		}
	}
}

// A stopped instance gives its processors back, and gets them again only if they are free.
func TestStoppedInstancesMakeRoom(t *testing.T) {
	c := open(t, 2, 1<<20, compute.DefaultQuotas())
	ctx := t.Context()
	res, err := c.Run(ctx, c.who, c.input(1, 5))
	if err != nil || len(res.Instances) != 1 {
		t.Fatalf("%v: %+v", err, res)
	}
	first := res.Instances[0]
	see := func(id string, s compute.Seen) {
		t.Helper()
		if err := c.Report(ctx, first.Account, id, compute.Sight{Seen: s, Boot: 1}); err != nil {
			t.Fatal(err)
		}
	}
	see(first.ID, compute.SeenRunning)
	if _, err := c.Run(ctx, c.who, c.input(1, 1)); errs.ReasonOf(err) != compute.NoCapacity {
		t.Errorf("a full host: %v", err)
	}
	if _, err := c.Stop(ctx, first.Account, []string{first.ID}, false); err != nil {
		t.Fatal(err)
	}
	see(first.ID, compute.SeenStopped)
	if res, err = c.Run(ctx, c.who, c.input(1, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Start(ctx, first.Account, []string{first.ID}); errs.ReasonOf(err) != compute.NoCapacity {
		t.Errorf("start without room: %v", err)
	}
	second := res.Instances[0].ID
	if _, err := c.Terminate(ctx, first.Account, []string{second}); err != nil {
		t.Fatal(err)
	}
	see(second, compute.SeenGone)
	moves, err := c.Start(ctx, first.Account, []string{first.ID})
	if err != nil || moves[0].Previous != compute.Stopped || moves[0].State != compute.Pending {
		t.Errorf("start with room: %v, %v", moves, err)
	}
}

// A call that is made again with its token gets what the first one made, however many at once.
func TestTokensMakeOnce(t *testing.T) {
	c := open(t, 1000, 1<<20, compute.DefaultQuotas())
	tok := idem.Token{Account: c.who.AccountID, Action: "RunInstances", Token: "once", Hash: [32]byte{1}, Time: time.Now()}
	var mu sync.Mutex
	seen := map[string]int{}
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			in := c.input(2, 2)
			in.Token = tok
			res, err := c.Run(t.Context(), c.who, in)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seen[fmt.Sprint(res.ID, res.Instances[0].ID, res.Instances[1].ID)]++
		})
	}
	work.Wait()
	if all, err := c.Instances(t.Context(), c.who.AccountID); len(seen) != 1 || len(all) != 2 || err != nil {
		t.Errorf("%d answers, %d instances: %v", len(seen), len(all), err)
	}
}

// The bytes of a deregistered image stay as long as an instance may need them.
func TestDeregisteredImagesServeTheirInstances(t *testing.T) {
	c := open(t, 1000, 1<<20, compute.DefaultQuotas())
	ctx := t.Context()
	res, err := c.Run(ctx, c.who, c.input(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Deregister(ctx, c.who.AccountID, c.image); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Run(ctx, c.who, c.input(1, 1)); errs.ReasonOf(err) != compute.ImageNotFound {
		t.Errorf("launch of a deregistered image: %v", err)
	}
	if err := c.Reap(ctx); err != nil || c.objects.len() != 1 {
		t.Errorf("%d objects while an instance lives: %v", c.objects.len(), err)
	}
	i := res.Instances[0]
	if _, err := c.Terminate(ctx, i.Account, []string{i.ID}); err != nil {
		t.Fatal(err)
	}
	if err := c.Report(ctx, i.Account, i.ID, compute.Sight{Seen: compute.SeenGone}); err != nil {
		t.Fatal(err)
	}
	if err := c.Reap(ctx); err != nil || c.objects.len() != 0 {
		t.Errorf("%d objects when none lives: %v", c.objects.len(), err)
	}
}
