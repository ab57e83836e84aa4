package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
)

func (p *program) adminTarget() *cobra.Command {
	c := &cobra.Command{
		Use:   "target",
		Short: "Systems that are told of changes, or hold replicas",
		Args:  args(0, ""),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var t adminapi.Target
	put := &cobra.Command{
		Use:   "put NAME",
		Short: "Name a target, or change what a name stands for",
		Long: "Name a target, or change what a name stands for.\n\n" +
			"Notification configurations refer to it by an ARN that ends with its name: arn:aureole:KIND:::NAME or, for tools\n" +
			"that know only Amazon's, arn:aws:sqs:REGION:ACCOUNT:NAME. Replication configurations refer to an s3 target by the\n" +
			"destination arn:aws:s3:::NAME.",
		Args: args(1, "NAME"),
		RunE: func(c *cobra.Command, a []string) error {
			t.Name = a[0]
			return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error { return cl.PutTarget(ctx, t) })
		},
	}
	f := put.Flags()
	f.StringVar(&t.Kind, "kind", "", "webhook, nats, sqs or s3")
	f.StringVar(&t.URL, "url", "", "`address` of the webhook, NATS server, queue or S3 endpoint")
	f.StringVar(&t.Subject, "subject", "", "NATS `subject`")
	f.BoolVar(&t.Stream, "stream", false, "the subject is one of a JetStream stream, which has to confirm each message")
	f.StringVar(&t.Bucket, "bucket", "", "bucket that holds the replicas; `NAME` when not given")
	f.StringVar(&t.Region, "region", "", "`region` to sign for; us-east-1 when not given")
	f.StringVar(&t.AccessKey, "access-key", "", "access key `id`, or NATS user")
	f.StringVar(&t.Secret, "secret", "", "secret key, NATS password or token, or the bearer `token` of a webhook")
	list := &cobra.Command{
		Use:   "list",
		Short: "List targets, without their secrets",
		Args:  args(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.show(c, func(ctx context.Context, cl *adminapi.Client) (any, error) { return cl.ListTargets(ctx) })
		},
	}
	del := &cobra.Command{
		Use:   "delete NAME",
		Short: "Forget a target; what waits for it is retried until it is named again or too old",
		Args:  args(1, "NAME"),
		RunE: func(c *cobra.Command, a []string) error {
			return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error { return cl.DeleteTarget(ctx, a[0]) })
		},
	}
	c.AddCommand(put, list, del)
	return c
}
