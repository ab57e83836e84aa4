package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/aureole-cloud/aureole/cmd/internal/buildinfo"
	"github.com/aureole-cloud/aureole/cmd/internal/config"
	"github.com/aureole-cloud/aureole/cmd/internal/server"
)

func (p *program) serve() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server. Without settings it keeps its data in ./data and listens on 127.0.0.1:9000.

Every setting can be given as a flag, as the environment variable named behind it, or in the YAML file of --config under
the flag's name; flags win over the environment, the environment over the file.`,
		Args: args(0, ""),
	}
	config.AddFlags(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.Load(c.Flags(), p.environ)
		if err != nil {
			return err
		}
		limitMemory(cfg, p.environ)
		log := newLogger(p.err, cfg)
		for _, name := range config.UnknownEnv(p.environ) {
			log.Warn("environment variable names no setting", "name", name)
		}
		// Signals are caught from here on: a start that takes long can be broken off too.
		ctx, force, stop := signals(c.Context())
		defer stop()
		s, err := server.Open(ctx, cfg, log)
		if err != nil {
			return err
		}
		info := s.Info()
		log.Info("serving", "endpoint", info.Endpoint, "admin", info.Admin, "region", info.Region,
			"data", strings.Join(cfg.Data, ","), "version", buildinfo.Read().Version)
		if isTerminal(p.out) {
			banner(p.out, s)
		}
		return s.Run(ctx, force)
	}
	return c
}

// signals returns a context that the first SIGINT, SIGTERM or SIGHUP ends, and a channel that the second closes. A third one ends
// the process at once.
func signals(parent context.Context) (ctx context.Context, force <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	forced := make(chan struct{})
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-caught:
			}
			if n == 0 {
				cancel()
				continue
			}
			close(forced)
			signal.Stop(caught)
			return
		}
	}()
	return ctx, forced, func() { signal.Stop(caught); close(done); cancel() }
}

func newLogger(w io.Writer, cfg config.Config) *slog.Logger {
	var level slog.Level
	// Validate has checked the name.
	_ = level.UnmarshalText([]byte(cfg.LogLevel))
	o := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// banner greets the person who started the server by hand.
func banner(w io.Writer, s *server.Server) {
	info := s.Info()
	fmt.Fprintf(w, `
  %s
  endpoint      %s   (region %s)
  admin         %s
  credentials   %s
`, buildinfo.Read(), info.Endpoint, info.Region, orOff(info.Admin), s.Credentials())
	if info.CABundle != "" {
		fmt.Fprintf(w, "  authority     %s   (clients must trust it; aureole env sets it)\n", info.CABundle)
	}
	fmt.Fprintf(w, "  machines      %s\n", s.Machines())
	fmt.Fprintf(w, `
  In another shell:
    eval "$(%s env%s)"
    aws s3 mb s3://my-bucket
    aws s3 cp /etc/os-release s3://my-bucket/
`, os.Args[0], dataFlag(s))
	if s.RunsMachines() {
		fmt.Fprintf(w, `
  A virtual machine, once "image tiny" has made the first image (make run does that by itself):
    aws ec2 create-key-pair --key-name me --key-type ed25519 --query KeyMaterial --output text > me.pem && chmod 600 me.pem
    aws ec2 authorize-security-group-ingress --group-name default --protocol tcp --port 22 --cidr 0.0.0.0/0
    aws ec2 run-instances --image-id $(%s image tiny%s) --instance-type t3.nano --key-name me
    ssh -i me.pem root@$(aws ec2 describe-instances --query 'sort_by(Reservations[].Instances[], &LaunchTime)[-1].PublicIpAddress' --output text)
`, os.Args[0], dataFlag(s))
	}
	fmt.Fprint(w, `
  Ctrl-C stops the server; instances run on.

`)
}

// dataFlag names the data folder for commands, unless it is the default.
func dataFlag(s *server.Server) string {
	if def := config.Default(); def.Validate() == nil && def.Data[0] == s.Data() {
		return ""
	}
	return " --data " + s.Data()
}

func orOff(s string) string {
	if s == "" {
		return "off"
	}
	return s
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
