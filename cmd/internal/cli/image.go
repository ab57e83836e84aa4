package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// image keeps the name that the design gives to machine images, and says that there are none yet.
func (p *program) image() *cobra.Command {
	c := &cobra.Command{
		Use:   "image",
		Short: "Machine images (not built yet)",
		Args:  args(0, ""),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "import FILE|URL|s3://BUCKET/KEY",
		Short: "Make a machine image (not built yet)",
		Args:  args(1, "FILE|URL|s3://BUCKET/KEY"),
		RunE: func(*cobra.Command, []string) error {
			return errors.New("machine images are not built yet: this version serves S3 only, EC2 comes later")
		},
	})
	return c
}
