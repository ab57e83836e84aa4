package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// scenario measures one thing. Each keeps its objects below prefixes of its own.
type scenario struct {
	name  string
	title string
	mb    bool // report megabytes per second instead of operations
	// prepare runs once per target before the first round.
	prepare func(ctx context.Context, e *env) error
	// run measures one round.
	run func(ctx context.Context, e *env) (sample, error)
}

// env is one target's state through a run.
type env struct {
	config
	*target
	clients []*client
	round   int
	keys    map[string][]string // objects that earlier scenarios left for later ones
	bodies  map[int]payloads
}

func newEnv(c config, t *target) *env {
	e := &env{config: c, target: t, keys: map[string][]string{}, bodies: map[int]payloads{}}
	for range 32 {
		e.clients = append(e.clients, newClient(t.wire))
	}
	return e
}

func (e *env) close() {
	for _, c := range e.clients {
		c.close()
	}
}

func (e *env) payloads(size, count int) payloads {
	if e.bodies[size] == nil {
		e.bodies[size] = makePayloads(size, count)
	}
	return e.bodies[size]
}

// workers makes n workers, each with its own connection.
func (e *env) workers(n int, f func(c *client, seq int) (int64, error)) []worker {
	list := make([]worker, n)
	for i := range list {
		c := e.clients[i]
		list[i] = func(seq int) (int64, error) { return f(c, seq) }
	}
	return list
}

// fill writes count objects of one size below a prefix with 32 connections.
func (e *env) fill(ctx context.Context, prefix string, size, count int) error {
	bodies := e.payloads(size, 64)
	_, err := drive(ctx, e.target, e.workers(32, func(c *client, seq int) (int64, error) {
		return 0, c.put(e.bucket, keyOf(prefix, seq), bodies.at(seq), false)
	}), 0, count)
	if err != nil {
		return fmt.Errorf("fill %s: %w", prefix, err)
	}
	return nil
}

// keyOf spreads the objects of a set over 100 folders, as real key spaces are.
func keyOf(prefix string, n int) string {
	return fmt.Sprintf("%s/%02d/%08d", prefix, n%100, n)
}

const (
	kib = 1 << 10
	mib = 1 << 20
)

// readSet is how many objects read scenarios choose from.
func (e *env) readSet() int {
	if e.quick {
		return 1000
	}
	return 10_000
}

func putScenario(name, title string, size, clients int, duration int) scenario {
	return scenario{name: name, title: title, run: func(ctx context.Context, e *env) (sample, error) {
		bodies := e.payloads(size, 64)
		prefix := fmt.Sprintf("%s-%d", name, e.round)
		return drive(ctx, e.target, e.workers(clients, func(c *client, seq int) (int64, error) {
			return int64(size), c.put(e.bucket, keyOf(prefix, seq), bodies.at(seq), false)
		}), e.duration*time.Duration(duration), 0)
	}}
}

func readScenario(name, title string, clients int, op func(e *env, c *client, n int) error) scenario {
	return scenario{name: name, title: title,
		prepare: func(ctx context.Context, e *env) error {
			if e.keys["read"] != nil {
				return nil
			}
			e.keys["read"] = []string{"read"}
			return e.fill(ctx, "read", 4*kib, e.readSet())
		},
		run: func(ctx context.Context, e *env) (sample, error) {
			return drive(ctx, e.target, e.workers(clients, func(c *client, _ int) (int64, error) {
				return 4 * kib, op(e, c, rand.IntN(e.readSet()))
			}), e.duration, 0)
		}}
}

func getSmall(e *env, c *client, n int) error {
	return c.get(e.bucket, keyOf("read", n), e.payloads(4*kib, 64).at(n))
}

func headSmall(e *env, c *client, n int) error { return c.headObject(e.bucket, keyOf("read", n)) }

func largeScenario(name, title string, unsigned bool) scenario {
	return scenario{name: name, title: title, mb: true, run: func(ctx context.Context, e *env) (sample, error) {
		p := e.payloads(64*mib, 1).at(0)
		return drive(ctx, e.target, e.workers(4, func(c *client, seq int) (int64, error) {
			return 64 * mib, c.put(e.bucket, fmt.Sprintf("large/%d", seq%8), p, unsigned)
		}), e.duration, 0)
	}}
}

// scenarios is the table of docs/performance.md, in its order.
func scenarios() []scenario {
	list := []scenario{
		putScenario("put-4k-c1", "PUT 4 KiB, 1 client", 4*kib, 1, 1),
		putScenario("put-4k-c32", "PUT 4 KiB, 32 clients", 4*kib, 32, 1),
		readScenario("get-4k-c1", "GET 4 KiB, 1 client", 1, getSmall),
		readScenario("get-4k-c32", "GET 4 KiB, 32 clients", 32, getSmall),
		readScenario("head-c32", "HEAD, 32 clients", 32, headSmall),
		deleteScenario(),
		putScenario("put-100k-c32", "PUT 100 KiB, 32 clients", 100*kib, 32, 1),
		mixedScenario(),
		largeScenario("put-64m-signed", "PUT 64 MiB, 4 clients, signed body", false),
		largeScenario("put-64m-unsigned", "PUT 64 MiB, 4 clients, unsigned body", true),
		{name: "get-64m", title: "GET 64 MiB, 4 clients", mb: true,
			prepare: func(_ context.Context, e *env) error {
				for i := range 8 {
					if err := e.clients[0].put(e.bucket, fmt.Sprintf("large/%d", i), e.payloads(64*mib, 1).at(0), true); err != nil {
						return err
					}
				}
				return nil
			},
			run: func(ctx context.Context, e *env) (sample, error) {
				p := e.payloads(64*mib, 1).at(0)
				return drive(ctx, e.target, e.workers(4, func(c *client, seq int) (int64, error) {
					return 64 * mib, c.get(e.bucket, fmt.Sprintf("large/%d", seq%8), p)
				}), e.duration, 0)
			}},
		{name: "multipart-256m", title: "multipart 256 MiB in 16 MiB parts, 4 at once", mb: true,
			run: func(ctx context.Context, e *env) (sample, error) {
				p := e.payloads(16*mib, 1).at(0)
				return drive(ctx, e.target, []worker{func(seq int) (int64, error) {
					return 256 * mib, multipart(e.clients[:4], e.bucket, fmt.Sprintf("multi/%d", seq%2), p, 16)
				}}, e.duration, 0)
			}},
	}
	return append(list, listScenarios()...)
}

// deleteScenario removes objects written just before, untimed.
func deleteScenario() scenario {
	return scenario{name: "delete-c32", title: "DELETE, 32 clients", run: func(ctx context.Context, e *env) (sample, error) {
		prefix, count := fmt.Sprintf("delete-%d", e.round), 20_000
		if e.quick {
			count = 2000
		}
		if err := e.fill(ctx, prefix, 4*kib, count); err != nil {
			return sample{}, err
		}
		return drive(ctx, e.target, e.workers(32, func(c *client, seq int) (int64, error) {
			return 0, c.remove(e.bucket, keyOf(prefix, seq))
		}), 0, count)
	}}
}

// mixedScenario is 45 % GET, 15 % PUT, 10 % DELETE and 30 % HEAD of 100 KiB objects. A deleted object is written
// again by the next PUT, so that reads always find theirs: each worker owns its objects.
func mixedScenario() scenario {
	const clients, own, size = 20, 50, 100 * kib
	return scenario{name: "mixed-100k-c20", title: "mixed 45/15/10/30 GET/PUT/DELETE/HEAD, 100 KiB, 20 clients",
		prepare: func(ctx context.Context, e *env) error { return e.fill(ctx, "mixed", size, clients*own) },
		run: func(ctx context.Context, e *env) (sample, error) {
			bodies := e.payloads(size, 64)
			list := make([]worker, clients)
			for w := range list {
				c := e.clients[w]
				missing := map[int]bool{} // of this worker's objects, those deleted in this round
				rng := rand.New(rand.NewPCG(uint64(w), uint64(e.round)))
				pick := func(gone bool) int {
					for range 200 {
						n := w*own + rng.IntN(own)
						if missing[n] == gone {
							return n
						}
					}
					return -1
				}
				list[w] = func(int) (int64, error) {
					switch p := rng.IntN(100); {
					case p < 45:
						n := pick(false)
						return size, c.get(e.bucket, keyOf("mixed", n), bodies.at(n))
					case p < 60:
						n := -1
						if len(missing) > 0 {
							n = pick(true)
						}
						if n < 0 {
							n = pick(false)
						}
						delete(missing, n)
						return size, c.put(e.bucket, keyOf("mixed", n), bodies.at(n), false)
					case p < 70:
						n := pick(false)
						missing[n] = true
						return 0, c.remove(e.bucket, keyOf("mixed", n))
					default:
						return 0, c.headObject(e.bucket, keyOf("mixed", pick(false)))
					}
				}
				defer func() {
					for n := range missing { // whole again for the next round
						_ = c.put(e.bucket, keyOf("mixed", n), bodies.at(n), false)
					}
				}()
			}
			return drive(ctx, e.target, list, e.duration, 0)
		}}
}

// selected tells whether the command line asks for a scenario.
func (c config) selected(name string) bool {
	if len(c.only) == 0 {
		return true
	}
	for _, prefix := range c.only {
		if strings.HasPrefix(name, strings.TrimSpace(prefix)) {
			return true
		}
	}
	return false
}
