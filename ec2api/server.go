package ec2api

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/queryauth"
)

// maxDuration bounds the work of one request.
const maxDuration = 2 * time.Minute

// Server speaks EC2. It answers requests that another server's listener has taken.
type Server struct {
	cfg     Config
	iam     *iam.Service
	tags    *tags.Service
	network *network.Service
	auth    *queryauth.Authenticator
	actions table
	written written

	permissions map[string]*permission
	observer    Observer
	log         *slog.Logger
}

// New makes a Server.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	auth, err := queryauth.New(cfg.IAM, sigv4.Config{Region: cfg.Region, StrictRegion: cfg.StrictRegion, DisableV2: cfg.DisableV2})
	if err != nil {
		return nil, fmt.Errorf("ec2api: %w", err)
	}
	s := &Server{cfg: cfg, iam: cfg.IAM, tags: cfg.Tags, network: cfg.Network, auth: auth, observer: cfg.Observer, log: cfg.Logger}
	if s.actions, err = newTable(s); err != nil {
		return nil, err
	}
	if s.permissions, err = readPermissions(); err != nil {
		return nil, err
	}
	return s, nil
}

// Handle answers a request whose body has been read; tooLarge says that it was not read to its end.
func (s *Server) Handle(fctx *fasthttp.RequestCtx, body []byte, tooLarge bool) {
	r := &request{srv: s, fctx: fctx, id: uuid.NewString(), start: time.Now(), action: "Unknown"}
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic", "value", p, "req", r.id, "op", r.action, "stack", string(debug.Stack()))
			fctx.Response.Reset()
			r.respond(nil, ec2err.New(ec2err.InternalError, "An internal error has occurred"))
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), maxDuration)
	defer cancel()
	r.respond(r.run(ctx, body, tooLarge))
}
