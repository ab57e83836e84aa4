package iamapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
	"github.com/aureole-cloud/aureole/ec2api/query"
	"github.com/aureole-cloud/aureole/ec2api/queryauth"
)

// Config is what a Server is made of.
type Config struct {
	IAM          *iam.Service
	Region       string
	StrictRegion bool
	DisableV2    bool
	Observer     Observer // nil is none
	Logger       *slog.Logger
}

// Event is one request that has been answered.
type Event struct {
	Action, RequestID, Method, UserAgent, AccessKey, Account, Scheme, Code string
	Remote                                                                 net.Addr
	Status                                                                 int
	BytesIn, BytesOut                                                      int64
	Start                                                                  time.Time
	Duration                                                               time.Duration
	Err                                                                    error
}

// Observer is told about every request, once. It must not block.
type Observer interface{ Observe(*Event) }

// Server answers requests that another server's listener has taken.
type Server struct {
	auth     *queryauth.Authenticator
	observer Observer
	log      *slog.Logger
}

// New makes a Server.
func New(cfg Config) (*Server, error) {
	if cfg.IAM == nil {
		return nil, errors.New("iamapi: config: IAM is needed")
	}
	auth, err := queryauth.New(cfg.IAM, sigv4.Config{Region: cfg.Region, StrictRegion: cfg.StrictRegion, DisableV2: cfg.DisableV2})
	if err != nil {
		return nil, fmt.Errorf("iamapi: %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{auth: auth, observer: cfg.Observer, log: cfg.Logger}, nil
}

// API is one of the services.
type API struct{ name, version, namespace string }

// The services.
var (
	STS = API{"STS", "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/"}
	IAM = API{"IAM", "2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/"}
)

// request is one on its way.
type request struct {
	api    API
	fctx   *fasthttp.RequestCtx
	id     string
	start  time.Time
	action string
	who    iam.Principal
	scheme string
}

// Handle answers a request to api whose body has been read; tooLarge says that it was not read to its end.
func (s *Server) Handle(fctx *fasthttp.RequestCtx, api API, body []byte, tooLarge bool) {
	r := &request{api: api, fctx: fctx, id: uuid.NewString(), start: time.Now(), action: "Unknown"}
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic", "value", p, "req", r.id, "op", r.action, "stack", string(debug.Stack()))
			fctx.Response.Reset()
			s.respond(r, nil, &failure{500, "InternalFailure", "An internal error has occurred.", nil}, len(body))
		}
	}()
	write, fail := s.run(r, string(body), tooLarge)
	s.respond(r, write, fail, len(body))
}

// run authenticates a request and carries out its action; what it returns writes the result.
func (s *Server) run(r *request, body string, tooLarge bool) (func(*ec2xml.Writer), *failure) {
	if tooLarge {
		return nil, &failure{413, "RequestEntityTooLarge", "The request is larger than this server takes.", nil}
	}
	_, rawQuery := queryauth.Parts(r.fctx)
	form, err := query.Parse(rawQuery, body)
	if err != nil {
		return nil, &failure{400, "MalformedQueryString", ec2err.From(err).Message, nil}
	}
	act := actions[r.api.name+":"+form.Action]
	if act != nil {
		r.action = form.Action
	}
	if r.who, r.scheme, err = s.auth.Who(context.Background(), r.fctx, body, r.start); err != nil {
		return nil, refusal(err)
	}
	switch {
	case form.Action == "":
		return nil, &failure{400, "MissingAction", "The request must contain the parameter Action.", nil}
	case act == nil:
		return nil, &failure{400, "InvalidAction", fmt.Sprintf("Could not find operation %s for version %s: the %s API has few actions here.",
			ec2err.Clip(form.Action), r.api.version, r.api.name), nil}
	}
	return act(r), nil
}

// actions are those that are built, by API and name.
var actions = map[string]func(*request) func(*ec2xml.Writer){
	"STS:GetCallerIdentity": getCallerIdentity,
}
