package server

import (
	"strings"

	"github.com/aureole-cloud/aureole/cmd/internal/observe"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/core/keypair"
	"github.com/aureole-cloud/aureole/core/rehearsal"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api"
	"github.com/aureole-cloud/aureole/iamapi"
)

// openEC2 makes the EC2 front end.
func (s *Server) openEC2() (err error) {
	s.ec2Requests = observe.NewRequests("ec2")
	log := s.log.With("part", "ec2")
	sweeper := idem.StartSweeper(s.store, log)
	s.onClose("client tokens", func() error { sweeper.Stop(); return nil })
	store := rehearsal.Store(s.store) // of what dry runs may not change
	pairs := keypair.NewService(store)
	_, endpoint, _ := strings.Cut(s.info.Endpoint, "://")
	s.ec2, err = ec2api.New(ec2api.Config{
		IAM: s.iam, Tags: tags.NewService(store, s.networks, s.compute, pairs), Network: s.networks, Compute: s.compute,
		KeyPairs: pairs, Types: s.types, Region: s.cfg.Region, StrictRegion: s.cfg.StrictRegion, Endpoint: endpoint,
		Observer: observe.EC2{Requests: s.ec2Requests, Log: observe.NewAccessLog(log, s.cfg.AccessLog)}, Logger: log,
	})
	return err
}

// openIdentity makes the front end of STS and IAM.
func (s *Server) openIdentity() (err error) {
	s.identityRequests = observe.NewRequests("sts")
	log := s.log.With("part", "sts")
	s.identity, err = iamapi.New(iamapi.Config{
		IAM: s.iam, Region: s.cfg.Region, StrictRegion: s.cfg.StrictRegion,
		Observer: observe.STS{Requests: s.identityRequests, Log: observe.NewAccessLog(log, s.cfg.AccessLog)}, Logger: log,
	})
	return err
}
