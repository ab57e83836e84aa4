package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
)

func (p *program) admin() *cobra.Command {
	c := &cobra.Command{
		Use:   "admin",
		Short: "Users, keys, quotas and housekeeping of a running server; answers are JSON",
		Args:  args(0, ""),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	addRemoteFlags(c)
	c.AddCommand(p.adminMessage(), p.adminUser(), p.adminGroup(), p.adminKMS(), p.adminQuota(), p.adminTarget(),
		p.task("scrub", "Verify every stored copy now and repair what is damaged"),
		p.task("compact", "Return the space of deleted objects now"),
		p.task("gc", "Remove what deleted objects and broken uploads left behind now"),
		p.task("lifecycle", "Carry out the lifecycle rules of all buckets now"))
	return c
}

func (p *program) adminUser() *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "Create, list and delete users, their keys and policies",
		Args:  args(0, ""),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var u adminapi.NewUser
	create := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a user with an access key and print both, the secret for the only time",
		Args:  args(1, "NAME"),
		RunE: func(c *cobra.Command, a []string) error {
			u.Name = a[0]
			return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
				made, err := cl.CreateUser(ctx, u)
				if err != nil {
					return err
				}
				return printJSON(p.out, made)
			})
		},
	}
	create.Flags().StringVar(&u.AccessKeyID, "access-key", "", "access key `id`; generated when not given")
	create.Flags().StringVar(&u.SecretAccessKey, "secret-key", "", "its `secret`; generated when not given")
	create.Flags().StringVar(&u.AccountID, "account", "", "12-digit `id` of the account that the user joins, or owns when there is none yet; a new account of its own when not given")
	create.Flags().StringVar(&u.DisplayName, "display-name", "", "`name` of a new account in owners and grants; the user's when not given")
	create.Flags().StringVar(&u.Email, "email", "", "`address` of a new account")
	list := &cobra.Command{
		Use:   "list",
		Short: "List all users with their access key ids",
		Args:  args(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
				users, err := cl.ListUsers(ctx)
				if err != nil {
					return err
				}
				return printJSON(p.out, users)
			})
		},
	}
	var account string
	del := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a user and its access keys",
		Args:  args(1, "NAME"),
		RunE: func(c *cobra.Command, a []string) error {
			return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
				return cl.DeleteUser(ctx, account, a[0])
			})
		},
	}
	del.Flags().StringVar(&account, "account", "", "12-digit `id` of the user's account, when several have a user of that name")
	c.AddCommand(create, list, del, p.adminKey(), p.adminPolicy("users", "USER"))
	return c
}

// task is a command that has the server do one of its background jobs now.
func (p *program) task(name, short string) *cobra.Command {
	return &cobra.Command{
		Use:   name,
		Short: short,
		Args:  args(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
				r, err := cl.RunTask(ctx, name)
				if err != nil {
					return err
				}
				return printJSON(p.out, r)
			})
		},
	}
}
