package adminapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/core/errs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend answers with what it was given and remembers the calls.
type backend struct {
	adminapi.Identities
	notReady []string
	limits   []string
	starting bool
	err      error
	calls    []string
	user     adminapi.NewUser
	device   adminapi.NewDevice
}

func (b *backend) Starting() bool { return b.starting }

func (b *backend) NotReady() []string { return b.notReady }
func (b *backend) Limits() []string   { return b.limits }

func (b *backend) Ring(context.Context) (adminapi.Ring, error) {
	b.calls = append(b.calls, "ring")
	return adminapi.Ring{Version: 7, Devices: []adminapi.Device{{ID: 3, State: "active"}}}, b.err
}

func (b *backend) Plan(_ context.Context, c adminapi.Change) (adminapi.Plan, error) {
	b.calls = append(b.calls, "plan "+c.Verb)
	return adminapi.Plan{Moves: 5}, b.err
}

func (b *backend) AddDevice(_ context.Context, d adminapi.NewDevice) (adminapi.Device, error) {
	b.device = d
	return adminapi.Device{ID: 4, Path: d.Path}, b.err
}

func (b *backend) ChangeDevice(_ context.Context, c adminapi.Change) (adminapi.Device, error) {
	b.calls = append(b.calls, c.Verb)
	return adminapi.Device{ID: c.ID, Weight: c.Weight}, b.err
}

func (b *backend) CreateUser(_ context.Context, u adminapi.NewUser) (adminapi.User, error) {
	b.user = u
	return adminapi.User{Name: u.Name, Created: time.Unix(0, 0).UTC()}, b.err
}

func (b *backend) ListUsers(context.Context) ([]adminapi.User, error) { return nil, b.err }

func (b *backend) DeleteUser(_ context.Context, account, name string) error {
	b.calls = append(b.calls, "delete "+account+" "+name)
	return b.err
}

func (b *backend) AddImage(_ context.Context, n adminapi.NewImage, next func() (string, io.Reader, error)) (adminapi.Image, error) {
	img := adminapi.Image{Name: n.Name}
	for {
		name, body, err := next()
		if err == io.EOF {
			return img, b.err
		}
		if err != nil {
			return img, err
		}
		data, err := io.ReadAll(body)
		if err != nil {
			return img, err
		}
		img.State += name + "=" + string(data) + ";"
	}
}

func (b *backend) RunTask(_ context.Context, name string) (adminapi.TaskResult, error) {
	b.calls = append(b.calls, "task "+name)
	return adminapi.TaskResult{Task: name}, b.err
}

func (b *backend) SetQuota(_ context.Context, q adminapi.Quota) (adminapi.Quota, error) {
	return q, b.err
}

func (b *backend) Quota(_ context.Context, bucket, account string) (adminapi.Quota, error) {
	return adminapi.Quota{Bucket: bucket, AccountID: account}, b.err
}

func (b *backend) DecodeMessage(_ context.Context, message string) ([]byte, error) {
	return []byte(`{"allowed":false,"of":"` + message + `"}`), b.err
}

func (b *backend) ListQuotas(context.Context) ([]adminapi.Quota, error) { return nil, b.err }

func (b *backend) CreateKey(_ context.Context, n adminapi.NewKey) (adminapi.Key, error) {
	return adminapi.Key{ID: "k", Aliases: []string{n.Alias}}, b.err
}

func (b *backend) ListKeys(_ context.Context, account string) ([]adminapi.Key, error) {
	return []adminapi.Key{{ID: "k", AccountID: account}}, b.err
}

func (b *backend) ChangeKey(_ context.Context, c adminapi.KeyChange) (adminapi.Key, error) {
	b.calls = append(b.calls, c.Verb+" "+c.Key)
	return adminapi.Key{ID: c.Key}, b.err
}

func serve(t *testing.T, b *backend, pprof bool) (*adminapi.Client, string) {
	t.Helper()
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "figures") })
	srv := httptest.NewServer(adminapi.NewHandler(adminapi.Config{
		Backend: b, Token: "right", Metrics: metrics, Pprof: pprof, Logger: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(srv.Close)
	return &adminapi.Client{Base: srv.URL, Token: "right", HTTP: srv.Client()}, srv.URL
}

func TestCallsReachTheBackend(t *testing.T) {
	b := &backend{}
	c, _ := serve(t, b, false)
	ctx := context.Background()
	if r, err := c.Ring(ctx); err != nil || r.Version != 7 || r.Devices[0].ID != 3 {
		t.Errorf("Ring = %+v, %v", r, err)
	}
	if p, err := c.Plan(ctx, adminapi.Change{Verb: "drain", ID: 1}); err != nil || p.Moves != 5 {
		t.Errorf("Plan = %+v, %v", p, err)
	}
	want := adminapi.NewDevice{Path: "/d4", Zone: "z", Weight: 2}
	if d, err := c.AddDevice(ctx, want); err != nil || d.ID != 4 || b.device != want {
		t.Errorf("AddDevice = %+v, %v; the backend got %+v", d, err, b.device)
	}
	for _, verb := range []string{"drain", "fail", "activate", "remove", "weight"} {
		d, err := c.ChangeDevice(ctx, adminapi.Change{Verb: verb, ID: 9, Weight: 2})
		if err != nil || d.ID != 9 || verb == "weight" && d.Weight != 2 {
			t.Errorf("%s = %+v, %v", verb, d, err)
		}
	}
	if u, err := c.CreateUser(ctx, adminapi.NewUser{Name: "ann", SecretAccessKey: "s"}); err != nil || u.Name != "ann" || b.user.SecretAccessKey != "s" {
		t.Errorf("CreateUser = %+v, %v", u, err)
	}
	if us, err := c.ListUsers(ctx); err != nil || us == nil {
		t.Errorf("ListUsers = %v, %v", us, err)
	}
	if err := errors.Join(c.DeleteUser(ctx, "", "a/b c"), c.DeleteUser(ctx, "000000000001", "ann")); err != nil {
		t.Error(err)
	}
	if q, err := c.SetQuota(ctx, adminapi.Quota{Bucket: "b", MaxBytes: 9}); err != nil || q.Bucket != "b" || q.MaxBytes != 9 {
		t.Errorf("SetQuota = %+v, %v", q, err)
	}
	if q, err := c.Quota(ctx, "", "123456789012"); err != nil || q.AccountID != "123456789012" {
		t.Errorf("Quota = %+v, %v", q, err)
	}
	if qs, err := c.ListQuotas(ctx); err != nil || qs == nil || len(qs) != 0 {
		t.Errorf("ListQuotas = %+v, %v", qs, err)
	}
	if m, err := c.DecodeMessage(ctx, "abc"); err != nil || string(m) != `{"allowed":false,"of":"abc"}` {
		t.Errorf("DecodeMessage = %s, %v", m, err)
	}
	if k, err := c.CreateKey(ctx, adminapi.NewKey{Alias: "a"}); err != nil || k.ID != "k" || k.Aliases[0] != "a" {
		t.Errorf("CreateKey = %+v, %v", k, err)
	}
	if ks, err := c.ListKeys(ctx, "123456789012"); err != nil || len(ks) != 1 || ks[0].AccountID != "123456789012" {
		t.Errorf("ListKeys = %+v, %v", ks, err)
	}
	if k, err := c.ChangeKey(ctx, adminapi.KeyChange{Verb: "rotate", Key: "alias/x"}); err != nil || k.ID != "alias/x" {
		t.Errorf("ChangeKey = %+v, %v", k, err)
	}
	if r, err := c.RunTask(ctx, "scrub"); err != nil || r.Task != "scrub" {
		t.Errorf("RunTask = %+v, %v", r, err)
	}
	got := strings.Join(b.calls, ",")
	if want := "ring,plan drain,drain,fail,activate,remove,weight,delete - a/b c,delete 000000000001 ann,rotate alias/x,task scrub"; got != want {
		t.Errorf("calls %s\nwant  %s", got, want)
	}
}

func TestTokenGuardsOnlyTheAdminAPI(t *testing.T) {
	b := &backend{}
	c, base := serve(t, b, false)
	for _, token := range []string{"", "wrong", "righ", "right right"} {
		c.Token = token
		_, err := c.Ring(context.Background())
		var e *adminapi.Error
		if !errors.As(err, &e) || e.Status != http.StatusUnauthorized {
			t.Errorf("token %q: %v", token, err)
		}
	}
	if len(b.calls) != 0 {
		t.Errorf("unauthorized calls reached the backend: %v", b.calls)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/debug/pprof/": 404, "/": 404, "/admin/v1/": 401} {
		if got, body := get(t, base+path); got != want {
			t.Errorf("GET %s = %d %s, want %d", path, got, body, want)
		}
	}
}

func TestProfilesOnlyWhenAsked(t *testing.T) {
	_, base := serve(t, &backend{}, true)
	if status, _ := get(t, base+"/debug/pprof/"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

func TestReadyzTellsTheReasons(t *testing.T) {
	_, base := serve(t, &backend{notReady: []string{"no quorum"}}, false)
	status, body := get(t, base+"/readyz")
	var answer struct {
		Ready   bool
		Reasons []string
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	if status != http.StatusServiceUnavailable || answer.Ready || len(answer.Reasons) != 1 || answer.Reasons[0] != "no quorum" {
		t.Errorf("%d %s", status, body)
	}
}

// What is limited is told beside readiness, not against it.
func TestReadyzTellsTheLimits(t *testing.T) {
	_, base := serve(t, &backend{limits: []string{"instances: no libvirt"}}, false)
	status, body := get(t, base+"/readyz")
	if want := `{"ready":true,"limits":["instances: no libvirt"]}`; status != http.StatusOK || strings.TrimSpace(body) != want {
		t.Errorf("%d %s, want %s", status, body, want)
	}
}

func TestStartingServerIsNotSteered(t *testing.T) {
	b := &backend{starting: true, notReady: []string{"starting"}}
	c, base := serve(t, b, false)
	_, err := c.Ring(context.Background())
	var e *adminapi.Error
	if !errors.As(err, &e) || e.Status != http.StatusServiceUnavailable || len(b.calls) != 0 {
		t.Errorf("err = %v, calls %v", err, b.calls)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/metrics": 200} {
		if got, _ := get(t, base+path); got != want {
			t.Errorf("GET %s = %d, want %d", path, got, want)
		}
	}
}

func TestFailuresKeepTheirKindAndMessage(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		text   string
	}{
		{errs.New(errs.Invalid, "", "bad name"), 400, "bad name"},
		{errs.New(errs.NotFound, "", "no such user"), 404, "no such user"},
		{errs.New(errs.Exists, "", "there is one"), 409, "there is one"},
		{errs.New(errs.Conflict, "", "device holds data"), 409, "device holds data"},
		{errs.New(errs.Unavailable, "", "stopping"), 503, "stopping"},
		{&errs.E{Kind: errs.Internal, Msg: "cannot", Err: errors.New("disk on fire")}, 500, "disk on fire"},
		{errors.New("plain"), 500, "plain"},
	} {
		c, _ := serve(t, &backend{err: tc.err}, false)
		_, err := c.RunTask(context.Background(), "gc")
		var e *adminapi.Error
		if !errors.As(err, &e) || e.Status != tc.status || !strings.Contains(e.Message, tc.text) {
			t.Errorf("%v came back as %v", tc.err, err)
		}
	}
}

func TestBadRequests(t *testing.T) {
	b := &backend{}
	_, base := serve(t, b, false)
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/admin/v1/users", "{", 400},
		{"POST", "/admin/v1/users", `{"nmae":"x"}`, 400},
		{"POST", "/admin/v1/users", `{"name":"` + strings.Repeat("x", 70<<10) + `"}`, 400},
		{"POST", "/admin/v1/ring/devices/0/drain", "", 400},
		{"POST", "/admin/v1/ring/devices/70000/drain", "", 400},
		{"POST", "/admin/v1/ring/devices/1/explode", "", 404},
		{"POST", "/admin/v1/keys/explode", "{}", 404},
		{"PUT", "/admin/v1/quotas", `{"maxBytes":1}`, 400},
		{"PUT", "/admin/v1/quotas", `{"bucket":"b","account":"a"}`, 400},
		{"POST", "/admin/v1/ring/devices/1/weight", "heavy", 400},
		{"PUT", "/admin/v1/users", "", 405},
	} {
		req, err := http.NewRequest(tc.method, base+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer right")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tc.status {
			t.Errorf("%s %s %.30s = %d, want %d", tc.method, tc.path, tc.body, resp.StatusCode, tc.status)
		}
	}
	if len(b.calls) != 0 || b.user.Name != "" {
		t.Errorf("bad requests reached the backend: %v %v", b.calls, b.user)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestClientSaysWhenNobodyAnswers(t *testing.T) {
	c := &adminapi.Client{Base: "http://127.0.0.1:1", Token: "x"}
	if _, err := c.Ring(context.Background()); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("err = %v", err)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode, string(body)
}
