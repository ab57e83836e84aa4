// Package cli is the commands of the program: it parses what the user typed, calls the part that does it and
// prints the answer.
//
// Guarantees: results go to standard output and nothing else does; an error is one line on standard error that says
// what to do; the exit status tells its class (see the constants).
//
// The commands that steer a running server speak to its admin API, found by the data folder.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/config"
	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
	"github.com/aureole-cloud/aureole/cmd/internal/server"
)

// Exit statuses.
const (
	ExitOK      = 0
	ExitFailure = 1 // it was tried and failed
	ExitUsage   = 2 // the command line or the configuration is wrong
	ExitInUse   = 3 // another process uses the data folder
	ExitSchema  = 4 // the data folder is of a newer version, or not ours
	ExitForced  = 5 // a second signal cut the shutdown short
)

// program is what every command needs.
type program struct {
	environ []string
	in      *os.File
	out     io.Writer
	err     *os.File
}

// Main runs the program and returns its exit status.
func Main(args, environ []string, in, out, stderr *os.File) int {
	p := &program{environ: environ, in: in, out: out, err: stderr}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return ExitOK
	}
	fmt.Fprintf(stderr, "aureole: %v\n", err)
	if hint := hintFor(err); hint != "" {
		fmt.Fprintf(stderr, "%s\n", hint)
	}
	return status(err)
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "aureole",
		Short:         "Your own AWS region in one process",
		Long:          "Aureole serves S3 from local disks: buckets, objects and everything around them, by the protocols of AWS.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w; see %s --help", errUsage, err, c.CommandPath())
	})
	root.AddCommand(p.serve(), p.env(), p.ring(), p.admin(), p.image(), p.version())
	return root
}

// errUsage marks errors of the command line.
var errUsage = errors.New("usage")

// args checks the number of arguments and marks the error.
func args(n int, names string) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if len(given) == n {
			return nil
		}
		if n == 0 {
			return fmt.Errorf("%w: %s takes no arguments, got %s", errUsage, c.CommandPath(), strings.Join(given, " "))
		}
		return fmt.Errorf("%w: %s %s", errUsage, c.CommandPath(), names)
	}
}

func status(err error) int {
	switch {
	case errors.Is(err, server.ErrForced):
		return ExitForced
	case errors.Is(err, datadir.ErrInUse):
		return ExitInUse
	case errors.Is(err, datadir.ErrNewerSchema), errors.Is(err, datadir.ErrForeign):
		return ExitSchema
	case errors.Is(err, errUsage), errors.Is(err, config.ErrInvalid), strings.HasPrefix(err.Error(), "unknown command"):
		return ExitUsage
	}
	return ExitFailure
}

func hintFor(err error) string {
	switch {
	case errors.Is(err, datadir.ErrInUse):
		return "Stop the other server, or give this one its own --data folder."
	case errors.Is(err, datadir.ErrNewerSchema):
		return "Use the newer version of the program; nothing was changed."
	case errors.Is(err, syscall.EADDRINUSE):
		return "Another program listens there; choose another address by --listen or --admin-listen."
	}
	return ""
}

// interrupted is a context that ends with SIGINT or SIGTERM, for the commands that talk to a server.
func interrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}
