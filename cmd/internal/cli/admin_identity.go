package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
)

// parent is a command that only has others below it.
func parent(use, short string, below ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: args(0, ""), RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(below...)
	return c
}

// call is a command that asks the server something and prints the answer, if there is one.
func (p *program) call(use, short string, n int, names string, f func(ctx context.Context, cl *adminapi.Client, a []string) (any, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args(n, names),
		RunE: func(c *cobra.Command, a []string) error {
			return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
				v, err := f(ctx, cl, a)
				if err != nil || v == nil {
					return err
				}
				return printJSON(p.out, v)
			})
		},
	}
}

func accountFlag(c *cobra.Command, account *string) *cobra.Command {
	c.Flags().StringVar(account, "account", "", "12-digit `id` of the account, when several have one of that name")
	return c
}

// adminKey is about the access keys of users.
func (p *program) adminKey() *cobra.Command {
	var account string
	var k adminapi.NewAccessKey
	create := accountFlag(p.call("create USER", "Give a user a further access key and print it, the secret for the only time", 1, "USER",
		func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
			return cl.CreateAccessKey(ctx, account, a[0], k)
		}), &account)
	create.Flags().StringVar(&k.AccessKeyID, "access-key", "", "its `id`; generated when not given")
	create.Flags().StringVar(&k.SecretAccessKey, "secret-key", "", "its `secret`; generated when not given")
	set := func(use, short string, active bool) *cobra.Command {
		return p.call(use+" ID", short, 1, "ID", func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
			return nil, cl.SetAccessKey(ctx, a[0], active)
		})
	}
	return parent("key", "Create, list, disable, enable and delete access keys", create,
		accountFlag(p.call("list USER", "List the access keys of a user", 1, "USER",
			func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
				return cl.ListAccessKeys(ctx, account, a[0])
			}), &account),
		set("disable", "Refuse requests signed with a key until it is enabled again", false),
		set("enable", "Take requests signed with a key again", true),
		p.call("delete ID", "Delete an access key", 1, "ID",
			func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
				return nil, cl.DeleteAccessKey(ctx, a[0])
			}))
}

// adminPolicy is about the policies of users or groups.
func (p *program) adminPolicy(kind, what string) *cobra.Command {
	var account string
	of := func(name string) adminapi.Holder { return adminapi.Holder{Kind: kind, Account: account, Name: name} }
	put := p.call("put "+what+" NAME FILE", "Give it a policy: an IAM document as JSON, from a file or - for standard input", 3, what+" NAME FILE",
		func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
			document, err := readPolicy(a[2])
			if err != nil {
				return nil, err
			}
			return nil, cl.PutPolicy(ctx, of(a[0]), a[1], document)
		})
	get := p.call("get "+what+" NAME", "Print the document of a policy", 2, what+" NAME",
		func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
			held, err := cl.Policy(ctx, of(a[0]), a[1])
			if err != nil {
				return nil, err
			}
			return held.Document, nil
		})
	list := p.call("list "+what, "List its policies", 1, what,
		func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
			return cl.ListPolicies(ctx, of(a[0]))
		})
	del := p.call("delete "+what+" NAME", "Take a policy away", 2, what+" NAME",
		func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
			return nil, cl.DeletePolicy(ctx, of(a[0]), a[1])
		})
	for _, c := range []*cobra.Command{put, get, list, del} {
		accountFlag(c, &account)
	}
	return parent("policy", "Put, get, list and delete policies", put, get, list, del)
}

// maxPolicy is more than any policy may have.
const maxPolicy = 64 << 10

func readPolicy(name string) ([]byte, error) {
	var src io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		src = f
	}
	document, err := io.ReadAll(io.LimitReader(src, maxPolicy+1))
	switch {
	case err != nil:
		return nil, err
	case len(document) > maxPolicy:
		return nil, fmt.Errorf("%s is larger than any policy may be", name)
	case !json.Valid(document):
		return nil, fmt.Errorf("%s is not JSON", name)
	}
	return document, nil
}

// adminGroup is about groups of users.
func (p *program) adminGroup() *cobra.Command {
	var account string
	create := p.call("create NAME", "Create a group of users", 1, "NAME",
		func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
			return cl.CreateGroup(ctx, adminapi.NewGroup{Name: a[0], AccountID: account})
		})
	create.Flags().StringVar(&account, "account", "", "12-digit `id` of its account; the root's when not given")
	member := func(use, short string, in bool) *cobra.Command {
		return accountFlag(p.call(use+" GROUP USER", short, 2, "GROUP USER",
			func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
				return nil, cl.SetMember(ctx, account, a[0], a[1], in)
			}), &account)
	}
	return parent("group", "Create, list and delete groups, their users and their policies", create,
		p.call("list", "List all groups with their users", 0, "",
			func(ctx context.Context, cl *adminapi.Client, _ []string) (any, error) { return cl.ListGroups(ctx) }),
		accountFlag(p.call("delete NAME", "Delete a group that nobody is in", 1, "NAME",
			func(ctx context.Context, cl *adminapi.Client, a []string) (any, error) {
				return nil, cl.DeleteGroup(ctx, account, a[0])
			}), &account),
		member("add", "Put a user into a group of its account", true),
		member("remove", "Take a user out of a group", false),
		p.adminPolicy("groups", "GROUP"))
}
