package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/buildinfo"
)

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  args(0, ""),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.out, buildinfo.Read())
			return err
		},
	}
}
