package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/aureole-cloud/aureole/integration/wire"
)

// The listing scenarios share one set of one-byte objects: 1,000 prefixes (fewer for small sets) with 100 keys each.

const perPrefix = 100

func listKey(n int) string { return fmt.Sprintf("p%04d/%06d", n/perPrefix, n) }

func fillListing(ctx context.Context, e *env) error {
	if e.keys["list"] != nil {
		return nil
	}
	e.keys["list"] = []string{"list"}
	bucket := e.listBucket()
	c := e.clients[0]
	c.reset("PUT", "/"+bucket, "")
	if err := c.want(200, nil); err != nil {
		return err
	}
	bodies := e.payloads(1, 64)
	_, err := drive(ctx, e.target, e.workers(32, func(c *client, seq int) (int64, error) {
		return 0, c.put(bucket, listKey(seq), bodies.at(seq), false)
	}), 0, e.objects)
	return err
}

func (e *env) listBucket() string { return e.bucket + "-list" }

// page asks for one page and returns the number of keys and prefixes and the token of the next page.
func (c *client) page(bucket, query string) (keys, prefixes int, next string, err error) {
	c.reset("GET", "/"+bucket, query).SHA256 = wire.EmptySHA256
	var body bytes.Buffer
	if err := c.want(200, func(b []byte) error { _, err := body.Write(b); return err }); err != nil {
		return 0, 0, "", err
	}
	b := body.Bytes()
	return bytes.Count(b, []byte("<Key>")), bytes.Count(b, []byte("<CommonPrefixes>")), between(b, "<NextContinuationToken>", "</NextContinuationToken>"), nil
}

func listScenarios() []scenario {
	const clients = 4
	flat := scenario{name: "list-flat", title: "LIST 1,000 keys of a flat listing, 4 clients, pages", prepare: fillListing,
		run: func(ctx context.Context, e *env) (sample, error) {
			list := make([]worker, clients)
			for w := range list {
				c, token, seen := e.clients[w], "", 0
				list[w] = func(int) (int64, error) {
					query := "list-type=2&max-keys=1000"
					if token != "" {
						query = "continuation-token=" + wire.Escape(token, false) + "&" + query
					}
					n, _, next, err := c.page(e.listBucket(), query)
					if err != nil {
						return 0, err
					}
					if seen += n; next == "" {
						if seen != e.objects {
							return 0, fmt.Errorf("the listing gave %d keys, want %d", seen, e.objects)
						}
						seen = 0
					} else if n != 1000 {
						return 0, fmt.Errorf("a full page holds %d keys", n)
					}
					token = next
					return 0, nil
				}
			}
			return drive(ctx, e.target, list, e.duration, 0)
		}}
	byPrefix := scenario{name: "list-prefix", title: "LIST by prefix (100 keys), 4 clients, pages", prepare: fillListing,
		run: func(ctx context.Context, e *env) (sample, error) {
			return drive(ctx, e.target, e.workers(clients, func(c *client, seq int) (int64, error) {
				n, _, _, err := c.page(e.listBucket(), fmt.Sprintf("list-type=2&prefix=p%04d%%2F", seq*7919%(e.objects/perPrefix)))
				if err == nil && n != perPrefix {
					err = fmt.Errorf("a prefix holds %d keys, want %d", n, perPrefix)
				}
				return 0, err
			}), e.duration, 0)
		}}
	delimited := scenario{name: "list-delimiter", title: "LIST with delimiter over 1,000 prefixes, 4 clients, pages", prepare: fillListing,
		run: func(ctx context.Context, e *env) (sample, error) {
			return drive(ctx, e.target, e.workers(clients, func(c *client, _ int) (int64, error) {
				_, n, _, err := c.page(e.listBucket(), "delimiter=%2F&list-type=2")
				if want := min(1000, e.objects/perPrefix); err == nil && n != want {
					err = fmt.Errorf("the listing gave %d prefixes, want %d", n, want)
				}
				return 0, err
			}), e.duration, 0)
		}}
	return []scenario{flat, byPrefix, delimited}
}
