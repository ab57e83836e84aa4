package ec2api

import (
	"errors"
	"log/slog"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/itype"
	"github.com/aureole-cloud/aureole/core/keypair"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
)

// Config is what a Server is made of.
type Config struct {
	IAM     *iam.Service
	Tags    *tags.Service
	Network *network.Service
	Compute *compute.Service

	KeyPairs *keypair.Service
	Types    *itype.Catalogue

	Region       string // this server's; "" is us-east-1
	Endpoint     string // host and port that DescribeRegions names; "" is ec2.REGION.amazonaws.com
	StrictRegion bool   // refuse signatures made for another region
	DisableV2    bool   // refuse Version 2 signatures

	Observer Observer // nil is none
	Logger   *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Endpoint == "" {
		c.Endpoint = "ec2." + c.Region + ".amazonaws.com"
	}
	if c.Observer == nil {
		c.Observer = noObserver{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports a configuration that cannot work.
func (c Config) Validate() error {
	if c.IAM == nil || c.Tags == nil || c.Network == nil || c.Compute == nil {
		return errors.New("ec2api: config: IAM, Tags, Network and Compute are needed")
	}
	return nil
}
