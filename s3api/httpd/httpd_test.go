package httpd_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/s3api/httpd"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// server is one under test: GET answers "hello", PUT reads its body and answers its length, POST refuses without reading.
type server struct {
	*httpd.Server
	addr    string
	expects atomic.Int32
}

func start(t *testing.T, limits httpd.Limits, tc *tls.Config) *server {
	t.Helper()
	s := &server{}
	var err error
	s.Server, err = httpd.New(httpd.Config{
		Handler: func(c *fiber.Ctx) error {
			ctx := c.Context()
			switch string(ctx.Method()) {
			case http.MethodPut:
				n, err := io.Copy(io.Discard, httpd.BodyStream(ctx))
				if err != nil {
					ctx.SetStatusCode(http.StatusBadRequest)
					httpd.WillClose(ctx)
					ctx.SetBodyString("broken body: " + err.Error())
					return nil
				}
				ctx.SetBodyString(fmt.Sprint(n))
			case http.MethodPost:
				ctx.SetStatusCode(http.StatusForbidden)
				ctx.SetBodyString("refused")
			case http.MethodGet:
				ctx.SetBodyString("hello")
			default:
				ctx.SetStatusCode(http.StatusMethodNotAllowed)
			}
			return nil
		},
		Expect: func(ctx *fasthttp.RequestCtx) int {
			s.expects.Add(1)
			if ctx.IsPost() {
				ctx.SetBodyString("refused early")
				return http.StatusForbidden
			}
			return fasthttp.StatusContinue
		},
		Broken: func(ctx *fasthttp.RequestCtx, f httpd.Fault) {
			ctx.SetStatusCode(http.StatusBadRequest)
			ctx.SetBodyString(fmt.Sprintf("fault %d", f))
		},
		Busy:   []byte("HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
		Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() {
		if tc != nil {
			served <- s.ServeTLS(ln, tc)
		} else {
			served <- s.Serve(ln)
		}
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

func dial(t *testing.T, s *server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(60 * time.Second))
	return c
}

// answer reads one answer and its body.
func answer(t *testing.T, br *bufio.Reader) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the body: %v", err)
	}
	return resp, string(body)
}

func TestFaultsAreAnswered(t *testing.T) {
	s := start(t, httpd.Limits{MaxHeaderBytes: 8 << 10, HeaderTimeout: 300 * time.Millisecond}, nil)
	for name, c := range map[string]struct {
		send string
		want httpd.Fault
	}{
		"no request":        {"nonsense\r\n\r\n", httpd.Malformed},
		"no host":           {"GET / HTTP/1.1\r\n\r\n", httpd.Malformed},
		"bad length":        {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", httpd.Malformed},
		"two lengths":       {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", httpd.Malformed},
		"transfer coding":   {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", httpd.BadTransferCoding},
		"long header":       {"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 9<<10) + "\r\n\r\n", httpd.HeadersTooLarge},
		"long uri":          {"GET /" + strings.Repeat("x", 9<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", httpd.HeadersTooLarge},
		"unfinished header": {"GET / HTTP/1.1\r\nHost: a\r\nX: ", httpd.TimedOut},
		"end in the header": {"GET / HTTP/1.1\r\nHost: a\r\nX: ", httpd.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			c1 := dial(t, s)
			if _, err := io.WriteString(c1, c.send); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(name, "end in") {
				_ = c1.(*net.TCPConn).CloseWrite()
			}
			resp, body := answer(t, bufio.NewReader(c1))
			if want := fmt.Sprintf("fault %d", c.want); resp.StatusCode != 400 || body != want || !resp.Close {
				t.Errorf("got %d %q close=%t, want 400 %q and a close", resp.StatusCode, body, resp.Close, want)
			}
		})
	}
}

// A client that drips one header byte at a time has HeaderTimeout in all, not per byte.
func TestHeaderDripIsCut(t *testing.T) {
	s := start(t, httpd.Limits{HeaderTimeout: 500 * time.Millisecond}, nil)
	c := dial(t, s)
	began := time.Now()
	go func() {
		for _, b := range []byte("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: " + strings.Repeat("y", 3000)) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	_, body := answer(t, bufio.NewReader(c))
	if took := time.Since(began); took > 30*time.Second || body != fmt.Sprintf("fault %d", httpd.TimedOut) {
		t.Errorf("got %q after %v", body, took)
	}
	_ = c.Close()
	time.Sleep(30 * time.Millisecond) // the writer notices
}

// A body may take longer than any timeout as long as it moves; one that only trickles may not.
func TestBodyDeadlineMovesWithProgress(t *testing.T) {
	s := start(t, httpd.Limits{HeaderTimeout: time.Second, BodyIdle: 2 * time.Second, MinProgress: 1000}, nil)
	const size = 40_000 // beyond what is read before the handler runs
	send := func(piece int, pause time.Duration) (string, time.Duration) {
		c := dial(t, s)
		began := time.Now()
		fmt.Fprintf(c, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size)
		_, _ = c.Write(make([]byte, 10_000))
		go func() {
			for sent := 10_000; sent < size; sent += piece {
				time.Sleep(pause)
				if _, err := c.Write(make([]byte, min(piece, size-sent))); err != nil {
					return
				}
			}
		}()
		_, body := answer(t, bufio.NewReader(c))
		return body, time.Since(began)
	}
	if body, took := send(2500, 250*time.Millisecond); body != fmt.Sprint(size) || took < 2500*time.Millisecond {
		t.Errorf("slow but live: got %q after %v", body, took)
	}
	if body, took := send(1, 50*time.Millisecond); !strings.HasPrefix(body, "broken body") || took > 30*time.Second {
		t.Errorf("trickle: got %q after %v", body, took)
	}
}

func TestExpectContinue(t *testing.T) {
	s := start(t, httpd.Limits{}, nil)
	c := dial(t, s)
	br := bufio.NewReader(c)
	fmt.Fprint(c, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	line, err := br.ReadString('\n')
	if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	_, _ = br.ReadString('\n')
	fmt.Fprint(c, "12345")
	if resp, body := answer(t, br); resp.StatusCode != 200 || body != "5" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	resp, body := answer(t, br)
	if resp.StatusCode != 403 || body != "refused early" || !resp.Close {
		t.Errorf("got %d %q close=%t; want the refusal and a close, without a 100", resp.StatusCode, body, resp.Close)
	}
	if _, err := br.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the refusal: %v, want EOF", err)
	}
	if n := s.expects.Load(); n != 2 {
		t.Errorf("Expect was asked %d times", n)
	}
}

// An early answer must reach a client that is still sending, and the rest of its body must never be taken for a request.
func TestEarlyAnswerWithUnreadBody(t *testing.T) {
	s := start(t, httpd.Limits{LingerTime: time.Second}, nil)
	for _, size := range []int{10, 100 << 10, 8 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			c := dial(t, s)
			go func() {
				fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size)
				body := strings.Repeat("GET / HTTP/1.1\r\nHost: evil\r\n\r\n", size/30+1)[:size]
				_, _ = io.WriteString(c, body)
			}()
			br := bufio.NewReader(c)
			resp, body := answer(t, br)
			if resp.StatusCode != 403 || body != "refused" {
				t.Fatalf("got %d %q", resp.StatusCode, body)
			}
			if resp.Close {
				if size < 256<<10 {
					t.Error("the connection was closed although little was unread")
				}
				return
			}
			fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if resp, body := answer(t, br); resp.StatusCode != 200 || body != "hello" {
				t.Errorf("next request: got %d %q", resp.StatusCode, body)
			}
		})
	}
}

func TestPipelining(t *testing.T) {
	s := start(t, httpd.Limits{}, nil)
	c := dial(t, s)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"+
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"+
		"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"+
		"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"+
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	br := bufio.NewReader(c)
	for i, want := range []string{"hello", "refused", "3", "", "hello"} {
		if _, body := answer(t, br); body != want {
			t.Errorf("answer %d: got %q, want %q", i, body, want)
		}
	}
}

func TestTooManyConnections(t *testing.T) {
	s := start(t, httpd.Limits{MaxConns: 2}, nil)
	first, second := dial(t, s), dial(t, s)
	for _, c := range []net.Conn{first, second} {
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, body := answer(t, bufio.NewReader(c)); body != "hello" {
			t.Fatalf("got %q", body)
		}
	}
	third := dial(t, s)
	if resp, _ := answer(t, bufio.NewReader(third)); resp.StatusCode != 503 {
		t.Errorf("third connection: got %d", resp.StatusCode)
	}
	_ = first.Close()
	for deadline := time.Now().Add(60 * time.Second); s.Conns() > 1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the closed connection is still counted")
		}
	}
	fourth := dial(t, s)
	fmt.Fprint(fourth, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, body := answer(t, bufio.NewReader(fourth)); body != "hello" {
		t.Errorf("after one left: got %q", body)
	}
}

func TestShutdownWaitsAndCuts(t *testing.T) {
	s := start(t, httpd.Limits{}, nil)
	c := dial(t, s)
	// A request whose body never ends keeps its handler busy.
	fmt.Fprint(c, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
	_, _ = c.Write(make([]byte, 20_000))
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v, want the deadline", err)
	}
	if n := s.Conns(); n != 0 {
		t.Errorf("%d connections are open after the cut", n)
	}
}

func TestTLS(t *testing.T) {
	cert := selfSigned(t)
	s := start(t, httpd.Limits{BodyIdle: 300 * time.Millisecond, MinProgress: 1000}, &tls.Config{Certificates: []tls.Certificate{cert}})
	raw := dial(t, s)
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	br := bufio.NewReader(c)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, body := answer(t, br); body != "hello" {
		t.Fatalf("got %q", body)
	}
	if p := c.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
		t.Errorf("negotiated %q", p)
	}
	// The deadlines of bodies work below TLS.
	fmt.Fprint(c, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
	_, _ = c.Write(make([]byte, 20_000))
	if _, body := answer(t, br); !strings.HasPrefix(body, "broken body") {
		t.Errorf("stalled body: got %q", body)
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestLimitsValidate(t *testing.T) {
	if err := httpd.DefaultLimits().Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*httpd.Limits){
		"conns":   func(l *httpd.Limits) { l.MaxConns = -1 },
		"headers": func(l *httpd.Limits) { l.MaxHeaderBytes = 100 },
		"buffer":  func(l *httpd.Limits) { l.WriteBuffer = 10 },
		"timeout": func(l *httpd.Limits) { l.BodyIdle = -1 },
	} {
		l := httpd.DefaultLimits()
		change(&l)
		if l.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
