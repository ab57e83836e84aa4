// Command aureole is an AWS region in one process: an S3 object store on local disks.
//
// It is the only program of the project and the only place where its parts meet; the code of
// its commands is in cmd/internal/cli, the wiring of the server in cmd/internal/server.
package main

import (
	"os"

	"github.com/aureole-cloud/aureole/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
