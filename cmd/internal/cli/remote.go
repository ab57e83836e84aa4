package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/cmd/internal/config"
	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
)

// addRemoteFlags gives a command what it needs to find the server.
func addRemoteFlags(c *cobra.Command) {
	config.AddFlags(c.PersistentFlags(), "data")
	c.PersistentFlags().String("admin", "", "`URL` of the admin API, when it is not the one noted in the data folder")
}

// dataFolder is the first data folder, where the server keeps what commands need.
func (p *program) dataFolder(c *cobra.Command) (string, config.Config, error) {
	cfg, err := config.Load(c.Flags(), p.environ)
	if err != nil {
		return "", cfg, err
	}
	return cfg.Data[0], cfg, nil
}

// client finds the admin API of the server on the data folder.
func (p *program) client(c *cobra.Command) (*adminapi.Client, error) {
	dir, _, err := p.dataFolder(c)
	if err != nil {
		return nil, err
	}
	token, err := datadir.ReadAdminToken(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no data folder of a server that was started; name it by --data or AUREOLE_DATA", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("admin token: %w", err)
	}
	base, err := c.Flags().GetString("admin")
	if err != nil {
		return nil, err
	}
	if base == "" {
		s, err := datadir.ReadServer(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("no server runs on %s; start it with: aureole serve --data %s", dir, dir)
		case err != nil:
			return nil, err
		case s.Admin == "":
			return nil, fmt.Errorf("the server on %s was started with --admin-listen off", dir)
		}
		base = s.Admin
	}
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	// No proxy of the environment: the token must not pass through one.
	return &adminapi.Client{Base: strings.TrimSuffix(base, "/"), Token: token, HTTP: &http.Client{Transport: &http.Transport{}}}, nil
}

// absolute makes a folder named on this command line mean the same to the server.
func absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("folder %s: %w", path, err)
	}
	return abs, nil
}
