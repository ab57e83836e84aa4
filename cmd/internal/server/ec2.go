package server

import (
	"strings"

	"github.com/aureole-cloud/aureole/cmd/internal/observe"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api"
	"github.com/aureole-cloud/aureole/iamapi"
)

// openEC2 makes the EC2 front end.
func (s *Server) openEC2() (err error) {
	s.ec2Requests = observe.NewRequests("ec2")
	log := s.log.With("part", "ec2")
	_, endpoint, _ := strings.Cut(s.info.Endpoint, "://")
	s.ec2, err = ec2api.New(ec2api.Config{
		IAM: s.iam, Tags: tags.NewService(s.store, s.networks, s.compute), Network: s.networks, Compute: s.compute, Region: s.cfg.Region, Zones: s.cfg.ZoneNames(), StrictRegion: s.cfg.StrictRegion,
		Endpoint: endpoint,
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
