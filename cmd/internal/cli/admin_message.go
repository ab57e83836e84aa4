package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
)

func (p *program) adminMessage() *cobra.Command {
	return &cobra.Command{
		Use:   "decode-authorization-message MESSAGE",
		Short: "Tell what an encoded authorization failure message of EC2 says: who asked for what, and with which conditions",
		Args:  args(1, "MESSAGE"),
		RunE: func(c *cobra.Command, a []string) error {
			return p.show(c, func(ctx context.Context, cl *adminapi.Client) (any, error) { return cl.DecodeMessage(ctx, a[0]) })
		},
	}
}
