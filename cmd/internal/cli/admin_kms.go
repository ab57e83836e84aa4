package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
)

func (p *program) adminKMS() *cobra.Command {
	c := &cobra.Command{
		Use:   "kms",
		Short: "Keys of the key service that encrypts objects",
		Args:  args(0, ""),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var n adminapi.NewKey
	create := &cobra.Command{
		Use:   "create-key",
		Short: "Create a key and print it",
		Args:  args(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.show(c, func(ctx context.Context, cl *adminapi.Client) (any, error) { return cl.CreateKey(ctx, n) })
		},
	}
	create.Flags().StringVar(&n.Alias, "alias", "", "alias `name`, with or without alias/ in front")
	create.Flags().StringVar(&n.Description, "description", "", "`text` for people")
	create.Flags().StringVar(&n.AccountID, "account", "", "12-digit `id` of the only account that may use it; all accounts may when not given")
	var account string
	list := &cobra.Command{
		Use:   "list-keys",
		Short: "List keys; aureole/s3 is the store's own, for SSE-S3",
		Args:  args(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.show(c, func(ctx context.Context, cl *adminapi.Client) (any, error) { return cl.ListKeys(ctx, account) })
		},
	}
	list.Flags().StringVar(&account, "account", "", "12-digit `id` of one account; all when not given")
	c.AddCommand(create, list,
		p.changeKey("rotate", "Give a key new material; what the old material encrypted stays readable"),
		p.changeKey("disable", "Disable a key: nothing can be written or read with it"),
		p.changeKey("enable", "Enable a disabled key"))
	return c
}

func (p *program) changeKey(verb, short string) *cobra.Command {
	ch := adminapi.KeyChange{Verb: verb}
	c := &cobra.Command{
		Use:   verb + "-key KEY",
		Short: short + "; KEY is an id, an ARN or an alias",
		Args:  args(1, "KEY"),
		RunE: func(c *cobra.Command, a []string) error {
			ch.Key = a[0]
			return p.show(c, func(ctx context.Context, cl *adminapi.Client) (any, error) { return cl.ChangeKey(ctx, ch) })
		},
	}
	c.Flags().StringVar(&ch.AccountID, "account", "", "12-digit `id` of the account of an id or alias; the root's when not given")
	return c
}

// show asks a running server and prints its answer.
func (p *program) show(c *cobra.Command, ask func(context.Context, *adminapi.Client) (any, error)) error {
	return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
		v, err := ask(ctx, cl)
		if err != nil {
			return err
		}
		return printJSON(p.out, v)
	})
}
