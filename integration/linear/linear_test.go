package linear

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

var (
	length  = flag.Duration("linear.length", 4*time.Second, "how long each history is recorded")
	kills   = flag.Int("linear.kills", 8, "how many times the server is killed in a history")
	seedArg = flag.Uint64("linear.seed", 0, "seed of the clients; 0 takes one from the clock and prints it")
)

func TestLinearizable(t *testing.T) {
	for _, tc := range []struct {
		name    string
		devices int
		kills   int
	}{{"steady", 1, 0}, {"killed", 1, *kills}, {"killed with three devices", 3, *kills}} {
		t.Run(tc.name, func(t *testing.T) {
			s := harness.Start(t, harness.Options{Devices: tc.devices})
			history := record(t, s, tc.kills)
			check(t, history)
		})
	}
}

// record lets ten clients work on four keys and returns what they did and saw.
func record(t *testing.T, s *harness.Server, kills int) []porcupine.Operation {
	t.Helper()
	target := wire.Target{Endpoint: s.Endpoint, Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region}
	if reply, err := target.Do(&wire.Request{Method: "PUT", Path: "/" + bucket}); err != nil || reply.Status != 200 {
		t.Fatalf("create bucket: %v %v", reply, err)
	}
	seed := *seedArg
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("run again with -linear.seed=%d", seed)
	r := &recorder{start: time.Now()}
	keys := []string{"alpha", "beta", "gamma", "delta"}
	stop := make(chan struct{})
	failures := make(chan error, 10)
	var wg sync.WaitGroup
	for range 10 {
		c := newClient(r, target, keys, seed)
		wg.Go(func() {
			defer c.http.Close()
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := c.step()
				if errors.Is(err, errLost) && kills > 0 {
					time.Sleep(10 * time.Millisecond)
				} else if err != nil {
					failures <- fmt.Errorf("client %d: %w", c.id, err)
					return
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	end := time.Now().Add(*length)
	for n := range kills {
		time.Sleep(*length/time.Duration(kills+1)/2 + time.Duration(rng.Int64N(int64(*length)/int64(kills+1))))
		s.Kill()
		if err := s.Start(); err != nil {
			t.Fatalf("after kill %d: %v", n, err)
		}
	}
	time.Sleep(time.Until(end))
	close(stop)
	wg.Wait()
	select {
	case err := <-failures:
		t.Error(err)
	default:
	}
	return r.history
}

func check(t *testing.T, history []porcupine.Operation) {
	t.Helper()
	counts := map[string]int{}
	for _, op := range history {
		in, out := op.Input.(request), op.Output.(answer)
		counts[fmt.Sprint(in.how, " ", []string{"done", "failed", "refused", "unknown"}[out.outcome])]++
	}
	t.Logf("%d operations: %v", len(history), counts)
	if counts["PUT done"] == 0 || counts["PUT failed"] == 0 {
		t.Errorf("the history is too dull to prove anything")
	}
	result, info := porcupine.CheckOperationsVerbose(model(), history, 90*time.Second)
	if result == porcupine.Ok {
		return
	}
	file := filepath.Join(os.TempDir(), fmt.Sprintf("aureole-history-%d.html", time.Now().Unix()))
	if err := porcupine.VisualizePath(model(), info, file); err != nil {
		t.Error(err)
	}
	t.Errorf("the history is not linearizable: %v; see %s", result, file)
}

// TestModel makes sure that the checker would notice what it is there for.
func TestModel(t *testing.T) {
	put := func(v int) request { return request{kind: write, key: "k", value: v} }
	create := func(v int) request { return request{kind: write, key: "k", value: v, ifNoneMatch: true} }
	swap := func(v, old int) request { return request{kind: write, key: "k", value: v, ifMatch: old} }
	get := request{kind: read, key: "k"}
	op := func(client int, in request, out answer, call, ret int64) porcupine.Operation {
		return porcupine.Operation{ClientId: client, Input: in, Output: out, Call: call, Return: ret}
	}
	ok := answer{}
	for _, tc := range []struct {
		name string
		ops  []porcupine.Operation
		want bool
	}{
		{"read after write", []porcupine.Operation{op(1, put(1), ok, 0, 1), op(2, get, answer{value: 1}, 2, 3)}, true},
		{"stale read", []porcupine.Operation{op(1, put(1), ok, 0, 1), op(1, put(2), ok, 2, 3), op(2, get, answer{value: 1}, 4, 5)}, false},
		{"two creators", []porcupine.Operation{op(1, create(1), ok, 0, 5), op(2, create(2), ok, 0, 5)}, false},
		{"one creator", []porcupine.Operation{op(1, create(1), ok, 0, 5), op(2, create(2), answer{outcome: failed}, 0, 5)}, true},
		{"lost update", []porcupine.Operation{op(1, put(1), ok, 0, 1), op(1, swap(2, 1), ok, 2, 9), op(2, swap(3, 1), ok, 2, 9)}, false},
		{"unknown write seen", []porcupine.Operation{op(1, put(1), answer{outcome: unknown}, 0, 100), op(2, get, answer{}, 1, 2), op(2, get, answer{value: 1}, 3, 4)}, true},
		{"unknown write seen and unseen", []porcupine.Operation{op(1, put(1), answer{outcome: unknown}, 0, 100), op(2, get, answer{value: 1}, 1, 2), op(2, get, answer{}, 3, 4)}, false},
	} {
		if got := porcupine.CheckOperations(model(), tc.ops); got != tc.want {
			t.Errorf("%s: linearizable = %v, want %v", tc.name, got, tc.want)
		}
	}
}
