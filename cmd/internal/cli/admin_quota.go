package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/cmd/internal/config"
)

func (p *program) adminQuota() *cobra.Command {
	c := &cobra.Command{
		Use:   "quota",
		Short: "Bound what buckets and accounts hold",
		Args:  args(0, ""),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var q adminapi.Quota
	var size string
	of := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVar(&q.Bucket, "bucket", "", "`name` of a bucket")
		c.Flags().StringVar(&q.AccountID, "account", "", "12-digit `id` of an account: all its buckets together")
		return c
	}
	set := of(&cobra.Command{
		Use:   "set",
		Short: "Set the quota of a bucket or an account; a limit that is not given is none",
		Args:  args(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if q.MaxBytes, err = config.ParseSize(size); err != nil {
				return err
			}
			return p.show(c, func(ctx context.Context, cl *adminapi.Client) (any, error) { return cl.SetQuota(ctx, q) })
		},
	})
	set.Flags().Int64Var(&q.MaxObjects, "objects", 0, "most `versions`, delete markers included; 0 for no limit")
	set.Flags().StringVar(&size, "bytes", "0", "most bytes, as `size` (10GiB); 0 for no limit")
	get := of(&cobra.Command{
		Use:   "get",
		Short: "Show the quota of a bucket or an account, and what is used",
		Args:  args(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.show(c, func(ctx context.Context, cl *adminapi.Client) (any, error) {
				return cl.Quota(ctx, q.Bucket, q.AccountID)
			})
		},
	})
	list := &cobra.Command{
		Use:   "list",
		Short: "List all quotas, and what is used",
		Args:  args(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.show(c, func(ctx context.Context, cl *adminapi.Client) (any, error) { return cl.ListQuotas(ctx) })
		},
	}
	c.AddCommand(set, get, list)
	return c
}
