package server

import (
	"errors"

	"github.com/aureole-cloud/aureole/cmd/internal/buildinfo"
	"github.com/aureole-cloud/aureole/cmd/internal/observe"
)

// registerMetrics brings the figures of all parts together.
func (s *Server) registerMetrics() error {
	return errors.Join(s.registry.Register(observe.Background(s.objects.Background)), s.registry.Register(s.ec2Requests), s.registry.Register(observe.Instances{Count: s.compute.Count}), s.registry.Register(s.identityRequests), observe.Register(s.registry, observe.Sources{
		Build:    buildinfo.Read(),
		Requests: s.requests,
		Conns:    s.front.Conns,
		Store:    s.store.Usage,
		Devices:  s.manager.Pool().Usage,
		Ring:     s.manager.Ring,
		Repair:   s.repairer.Counters(),
	}))
}
