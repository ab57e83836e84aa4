package adminapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
)

// maxBody bounds the body of a request.
const maxBody = 64 << 10

// Config is what a handler is made of.
type Config struct {
	Backend Backend
	Token   string       // that requests below /admin/ must bear
	Metrics http.Handler // of /metrics
	Pprof   bool
	Logger  *slog.Logger
}

type handler struct {
	Config
	token [sha256.Size]byte
}

// NewServer makes the HTTP server; the caller serves its listener and shuts it down.
func NewServer(c Config) *http.Server {
	return &http.Server{
		Handler:           NewHandler(c),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second, // WriteTimeout stays open: a scrub may take long
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
	}
}

// NewHandler makes the handler.
func NewHandler(c Config) http.Handler {
	h := &handler{Config: c, token: sha256.Sum256([]byte(c.Token))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.Handle("GET /metrics", c.Metrics)
	if c.Pprof {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	admin := http.NewServeMux()
	for pattern, f := range map[string]func(*http.Request) (any, error){
		"GET /admin/v1/ring":                      h.ring,
		"POST /admin/v1/ring/devices":             h.addDevice,
		"POST /admin/v1/ring/devices/{id}/{verb}": h.changeDevice,
		"DELETE /admin/v1/ring/devices/{id}":      h.changeDevice,
		"POST /admin/v1/ring/plan":                h.plan,
		"GET /admin/v1/users":                     h.listUsers,
		"POST /admin/v1/users":                    h.createUser,
		"DELETE /admin/v1/users/{account}/{name}": h.deleteUser,
		"GET /admin/v1/targets":                   h.listTargets,
		"PUT /admin/v1/targets/{name}":            h.putTarget,
		"DELETE /admin/v1/targets/{name}":         h.deleteTarget,
		"POST /admin/v1/tasks/{name}":             h.runTask,
		"GET /admin/v1/keys":                      h.listKeys,
		"POST /admin/v1/keys":                     h.createKey,
		"POST /admin/v1/authorization-messages":   h.decodeMessage,
		"GET /admin/v1/quotas":                    h.quota,
		"PUT /admin/v1/quotas":                    h.setQuota,
		"POST /admin/v1/keys/{verb}":              h.changeKey,
	} {
		admin.HandleFunc(pattern, h.answer(f))
	}
	for pattern, f := range h.identityRoutes() {
		admin.HandleFunc(pattern, h.answer(f))
	}
	admin.HandleFunc("POST /admin/v1/images", h.addImage)
	mux.Handle("/admin/", h.authorized(admin))
	return mux
}

// authorized lets only requests with the token through. Hashes are compared, so that the time says nothing of the length.
func (h *handler) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		sum := sha256.Sum256([]byte(given))
		if !ok || subtle.ConstantTimeCompare(sum[:], h.token[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeJSON(w, http.StatusUnauthorized, failure{"the admin API needs the token of the data folder (admin.token)"})
			return
		}
		if h.Backend.Starting() {
			writeJSON(w, http.StatusServiceUnavailable, failure{"the server is starting"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// answer turns a result into JSON and an error into a status and a message.
func (h *handler) answer(f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, err := f(r)
		if err != nil {
			status := statusOf(err)
			if status == http.StatusInternalServerError {
				h.Logger.Error("admin request failed", "method", r.Method, "path", r.URL.Path, "err", err)
			}
			writeJSON(w, status, failure{message(err)})
			return
		}
		if v == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		writeJSON(w, http.StatusOK, v)
	}
}

func statusOf(err error) int {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.TooLarge, errs.Limit:
		return http.StatusBadRequest
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Exists, errs.Conflict, errs.Precondition:
		return http.StatusConflict
	case errs.Unavailable, errs.Canceled, errs.NoSpace:
		return http.StatusServiceUnavailable
	case errs.NotImplemented:
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}

// message is what the operator reads. They own the machine, so causes are shown.
func message(err error) string {
	var e *errs.E
	switch {
	case !errors.As(err, &e) || e.Msg == "" && e.Err == nil:
		return err.Error()
	case e.Msg == "":
		return e.Err.Error()
	case e.Err == nil:
		return e.Msg
	}
	return e.Msg + ": " + e.Err.Error()
}

func (h *handler) readyz(w http.ResponseWriter, _ *http.Request) {
	reasons := h.Backend.NotReady()
	status := http.StatusOK
	if len(reasons) > 0 {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, struct {
		Ready   bool     `json:"ready"`
		Reasons []string `json:"reasons,omitempty"`
		Limits  []string `json:"limits,omitempty"`
	}{len(reasons) == 0, reasons, h.Backend.Limits()})
}

func (h *handler) ring(r *http.Request) (any, error) { return h.Backend.Ring(r.Context()) }

func (h *handler) plan(r *http.Request) (any, error) {
	var c Change
	if err := readJSON(r, &c); err != nil {
		return nil, err
	}
	return h.Backend.Plan(r.Context(), c)
}

func (h *handler) addDevice(r *http.Request) (any, error) {
	var d NewDevice
	if err := readJSON(r, &d); err != nil {
		return nil, err
	}
	return h.Backend.AddDevice(r.Context(), d)
}

func (h *handler) changeDevice(r *http.Request) (any, error) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 16)
	if err != nil || id == 0 {
		return nil, errs.New(errs.Invalid, "", "%q is not the number of a device", r.PathValue("id"))
	}
	c := Change{Verb: r.PathValue("verb"), ID: uint16(id)}
	if r.Method == http.MethodDelete {
		c.Verb = "remove"
	}
	switch c.Verb {
	case "weight":
		var body Change
		if err := readJSON(r, &body); err != nil {
			return nil, err
		}
		c.Weight = body.Weight
	case "drain", "fail", "activate", "remove":
	default:
		return nil, errs.New(errs.NotFound, "", "devices know drain, fail, activate, weight and remove, not %q", c.Verb)
	}
	return h.Backend.ChangeDevice(r.Context(), c)
}

func (h *handler) listUsers(r *http.Request) (any, error) {
	users, err := h.Backend.ListUsers(r.Context())
	if users == nil {
		users = []User{}
	}
	return users, err
}

func (h *handler) createUser(r *http.Request) (any, error) {
	var u NewUser
	if err := readJSON(r, &u); err != nil {
		return nil, err
	}
	return h.Backend.CreateUser(r.Context(), u)
}

func (h *handler) deleteUser(r *http.Request) (any, error) {
	return nil, h.Backend.DeleteUser(r.Context(), r.PathValue("account"), r.PathValue("name"))
}

func (h *handler) runTask(r *http.Request) (any, error) {
	return h.Backend.RunTask(r.Context(), r.PathValue("name"))
}

// readJSON decodes the body and refuses fields that nobody would look at.
func readJSON(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return errs.New(errs.Invalid, "", "the body is not the expected JSON: %v", err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // the client went away if this fails
}
