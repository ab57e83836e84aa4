package kvtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// The operations of a history, on one key each.
type linearOp uint8

const (
	opGet      linearOp = iota
	opView              // get through a view
	opPut               // unconditional
	opDelete            // unconditional
	opCreate            // put if absent
	opReplace           // put if value
	opDeleteIf          // delete if value
)

type linearInput struct {
	op         linearOp
	key        string
	value, old string
}

type linearOutput struct {
	value string // of a read, "" when absent
	ok    bool   // of a write: its condition held
}

// register is the sequential specification: a key holds a value or "" for none.
func register() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[string][]porcupine.Operation{}
			for _, o := range history {
				k := o.Input.(linearInput).key
				byKey[k] = append(byKey[k], o)
			}
			var parts [][]porcupine.Operation
			for _, p := range byKey {
				parts = append(parts, p)
			}
			return parts
		},
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			have, in, out := state.(string), input.(linearInput), output.(linearOutput)
			holds, next := true, in.value
			switch in.op {
			case opGet, opView:
				return out.value == have, have
			case opDelete:
				next = ""
			case opCreate:
				holds = have == ""
			case opReplace:
				holds = have == in.old
			case opDeleteIf:
				holds, next = have == in.old, ""
			}
			if out.ok != holds {
				return false, have
			}
			if holds {
				return true, next
			}
			return true, have
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
	}
}

// RunLinear records histories of concurrent clients on few keys and checks them with porcupine.
func RunLinear(t *testing.T, open Engine, flags *Flags) {
	seed := flags.seed(t)
	for round := range 4 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			st, err := open(slowSyncs(vfs.NewMem(), seed, time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			history := record(t, st, seed+uint64(round))
			res, info := porcupine.CheckOperationsVerbose(register(), history, 30*time.Second)
			if res == porcupine.Illegal {
				path := t.TempDir() + "/history.html"
				if err := porcupine.VisualizePath(register(), info, path); err == nil {
					t.Logf("history drawn in %s", path)
				}
			}
			if res != porcupine.Ok {
				t.Fatalf("history of %d operations: %v", len(history), res)
			}
		})
	}
}

func record(t *testing.T, st kv.Store, seed uint64) []porcupine.Operation {
	const clients, each, keys = 8, 150, 4
	var mu sync.Mutex
	var history []porcupine.Operation
	begin := time.Now()
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(c)))
			seen := map[string]string{}
			for n := range each {
				in := linearInput{
					op: linearOp(rng.IntN(int(opDeleteIf) + 1)), key: fmt.Sprint("k", rng.IntN(keys)),
					value: fmt.Sprintf("%d.%d", c, n),
				}
				if in.op == opDelete || in.op == opDeleteIf {
					in.value = ""
				}
				in.old = seen[in.key]
				if in.old == "" && (in.op == opReplace || in.op == opDeleteIf) {
					in.op = opGet
				}
				call := time.Since(begin).Nanoseconds()
				out, err := perform(st, in)
				ret := time.Since(begin).Nanoseconds()
				if err != nil {
					t.Errorf("%+v: %v", in, err)
					return
				}
				if in.op == opGet || in.op == opView {
					seen[in.key] = out.value
				}
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: c, Input: in, Call: call, Output: out, Return: ret})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return history
}

func perform(st kv.Store, in linearInput) (linearOutput, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	k := []byte(in.key)
	read := func(v kv.Value, err error) (linearOutput, error) {
		if errors.Is(err, kv.ErrNotFound) {
			return linearOutput{}, nil
		}
		return linearOutput{value: string(v.Data)}, err
	}
	b := &kv.Batch{}
	switch in.op {
	case opGet:
		return read(st.Get(ctx, 1, k))
	case opView:
		v, err := st.View(ctx, 1)
		if err != nil {
			return linearOutput{}, err
		}
		defer v.Close()
		return read(v.Get(k))
	case opPut:
		b.Put(k, []byte(in.value))
	case opDelete:
		b.Delete(k)
	case opCreate:
		b.IfAbsent(k)
		b.Put(k, []byte(in.value))
	case opReplace:
		b.IfValue(k, []byte(in.old))
		b.Put(k, []byte(in.value))
	case opDeleteIf:
		b.IfValue(k, []byte(in.old))
		b.Delete(k)
	}
	_, err := st.Commit(ctx, 1, b)
	if errors.Is(err, kv.ErrConditionFailed) {
		return linearOutput{}, nil
	}
	return linearOutput{ok: true}, err
}
