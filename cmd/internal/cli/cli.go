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
	"io/fs"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/config"
	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
	"github.com/aureole-cloud/aureole/cmd/internal/server"
	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/kv"
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
		Long:          "Aureole serves S3 from plain directories and EC2 from virtual machines of this host, by the protocols of AWS.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          args(0, ""),
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
		if c.HasSubCommands() {
			return unknownCommand(c, given[0])
		}
		if n == 0 {
			return fmt.Errorf("%w: %s takes no arguments, got %s", errUsage, c.CommandPath(), strings.Join(given, " "))
		}
		return fmt.Errorf("%w: %s %s", errUsage, c.CommandPath(), names)
	}
}

// unknownCommand names what comes closest, and where the others are listed.
func unknownCommand(c *cobra.Command, name string) error {
	const far = 2 // letters that may differ
	c.SuggestionsMinimumDistance = far
	if near := c.SuggestionsFor(name); len(near) > 0 {
		return fmt.Errorf("%w: %s has no command %q; did you mean %q?", errUsage, c.CommandPath(), name, near[0])
	}
	return fmt.Errorf("%w: %s has no command %q; see %s --help", errUsage, c.CommandPath(), name, c.CommandPath())
}

func status(err error) int {
	switch {
	case errors.Is(err, server.ErrForced):
		return ExitForced
	case errors.Is(err, datadir.ErrInUse):
		return ExitInUse
	case errors.Is(err, datadir.ErrNewerSchema), errors.Is(err, datadir.ErrForeign):
		return ExitSchema
	case errors.Is(err, errUsage), errors.Is(err, config.ErrInvalid):
		return ExitUsage
	}
	return ExitFailure
}

// hintFor says what to do about an error, where its text does not.
func hintFor(err error) string {
	var network *net.OpError
	var name *net.DNSError
	switch {
	case errors.Is(err, datadir.ErrInUse):
		return "Stop the other server, or give this one its own --data folder."
	case errors.Is(err, datadir.ErrNewerSchema):
		return "Use the newer version of the program; nothing was changed."
	case errors.Is(err, syscall.EADDRINUSE):
		return "Another program listens there; choose another address by --listen or --admin-listen."
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "This machine does not have that address; choose one of its own, or 0.0.0.0:PORT for all of them."
	case errors.As(err, &name):
		return "Choose an address of this machine, such as 127.0.0.1:9000, or 0.0.0.0:9000 for all of them."
	case errors.As(err, &network) && errors.Is(err, fs.ErrPermission):
		return "Ports below 1024 are for root and CAP_NET_BIND_SERVICE; choose another address by --listen."
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("This runs as user %d; run it as the user that owns the folder, or name another one by --data.", os.Geteuid())
	case errors.Is(err, syscall.ENOTDIR):
		return "A data folder is a folder; name one by --data."
	case errors.Is(err, syscall.EROFS):
		return "The file system is mounted read-only; name a folder on another one by --data."
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, kv.ErrNoSpace), errors.Is(err, blob.ErrNoSpace):
		return "Free space on the device of the data folder, or name a folder on another one by --data; 256 MiB are kept back for deletes."
	}
	return ""
}

// interrupted is a context that ends with SIGINT or SIGTERM, for the commands that talk to a server.
func interrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}
