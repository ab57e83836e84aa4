package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/config"
	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
	"github.com/aureole-cloud/aureole/cmd/internal/tlscert"
)

func (p *program) env() *cobra.Command {
	c := &cobra.Command{
		Use:   "env",
		Short: "Print shell lines that point AWS tools at the server",
		Long: `Print shell lines that point AWS tools at the server on the data folder, with the root account's keys:

  eval "$(aureole env)"                  sh, bash, zsh
  aureole env --shell fish | source      fish
  aureole env --shell dotenv > .env      NAME=value lines

Tools of 2023 and later take the endpoint from AWS_ENDPOINT_URL. The AWS CLI before 1.29 and 2.13 does not know that
variable (Debian 12 has 2.9), so for shells the lines also define a function "aws" that passes --endpoint-url.`,
		Args: args(0, ""),
	}
	config.AddFlags(c.Flags(), "data", "listen", "region", "tls-self-signed", "tls-cert", "tls-key")
	shell := c.Flags().String("shell", "sh", "`kind` of lines: sh, fish or dotenv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		dir, cfg, err := p.dataFolder(c)
		if err != nil {
			return err
		}
		keys, err := readCredentials(datadir.CredentialsFile(dir))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s holds no credentials; start a server on it first, or name its folder by --data", dir)
		}
		if err != nil {
			return err
		}
		s, err := locate(dir, cfg)
		if err != nil {
			return err
		}
		return writeEnv(p.out, *shell, keys, s)
	}
	return c
}

// locate says where the server on dir listens: what a running one noted, else what the settings say.
func locate(dir string, cfg config.Config) (datadir.Server, error) {
	s, err := datadir.ReadServer(dir)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	scheme := "http"
	if cfg.TLS() {
		scheme = "https"
	}
	s = datadir.Server{Endpoint: scheme + "://" + dialable(cfg.Listen), Region: cfg.Region}
	if ca := tlscert.CAFile(datadir.TLSDir(dir)); cfg.TLSSelfSigned {
		if _, err := os.Stat(ca); err == nil {
			s.CABundle = ca
		}
	}
	return s, nil
}

// dialable turns the address of a listener into one to connect to.
func dialable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

type credentials struct{ accessKey, secretKey string }

// readCredentials reads the default profile of an AWS shared-credentials file.
func readCredentials(name string) (credentials, error) {
	f, err := os.Open(name)
	if err != nil {
		return credentials{}, err
	}
	defer f.Close()
	var c credentials
	section := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[] ")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || section != "default" {
			continue
		}
		switch strings.TrimSpace(key) {
		case "aws_access_key_id":
			c.accessKey = strings.TrimSpace(value)
		case "aws_secret_access_key":
			c.secretKey = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	if c.accessKey == "" || c.secretKey == "" {
		return c, fmt.Errorf("%s has no keys in its default profile", name)
	}
	return c, nil
}

// writeEnv prints the lines.
func writeEnv(w io.Writer, shell string, keys credentials, s datadir.Server) error {
	vars := [][2]string{
		{"AWS_ACCESS_KEY_ID", keys.accessKey},
		{"AWS_SECRET_ACCESS_KEY", keys.secretKey},
		{"AWS_REGION", s.Region},
		{"AWS_DEFAULT_REGION", s.Region},
		{"AWS_ENDPOINT_URL", s.Endpoint},
	}
	if s.CABundle != "" {
		ca, err := filepath.Abs(s.CABundle)
		if err != nil {
			return err
		}
		vars = append(vars, [2]string{"AWS_CA_BUNDLE", ca})
	}
	var b strings.Builder
	switch shell {
	case "sh":
		for _, v := range vars {
			fmt.Fprintf(&b, "export %s=%s\n", v[0], quote(v[1], `'\''`))
		}
		// A token or a per-service endpoint left over from other work would be used together with our keys.
		b.WriteString("unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL_EC2 AWS_ENDPOINT_URL_STS AWS_ENDPOINT_URL_IAM " +
			"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS\n")
		if s.CABundle == "" {
			b.WriteString("unset AWS_CA_BUNDLE\n")
		}
		b.WriteString(`aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }` + "\n")
	case "fish":
		for _, v := range vars {
			fmt.Fprintf(&b, "set -gx %s %s\n", v[0], quote(strings.ReplaceAll(v[1], `\`, `\\`), `\'`))
		}
		b.WriteString("set -e AWS_SESSION_TOKEN; set -e AWS_SECURITY_TOKEN; set -e AWS_ENDPOINT_URL_S3; set -e AWS_ENDPOINT_URL_EC2; " +
			"set -e AWS_ENDPOINT_URL_STS; set -e AWS_ENDPOINT_URL_IAM; set -e AWS_IGNORE_CONFIGURED_ENDPOINT_URLS\n")
		b.WriteString("function aws; command aws --endpoint-url $AWS_ENDPOINT_URL $argv; end\n")
	case "dotenv":
		for _, v := range vars {
			fmt.Fprintf(&b, "%s=%s\n", v[0], v[1])
		}
	default:
		return fmt.Errorf("%w: --shell %q is none of sh, fish, dotenv", errUsage, shell)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// quote puts s between single quotes, with escaped for each quote in it.
func quote(s, escaped string) string { return "'" + strings.ReplaceAll(s, "'", escaped) + "'" }
