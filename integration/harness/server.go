package harness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options say what server to start. The zero value is one device over plain HTTP.
type Options struct {
	TLS       bool
	Devices   int           // data folders; 0 is one
	Replicas  int           // --replicas; 0 leaves the default
	Dir       string        // where data folders and the log go; required by New, Start makes a temporary one
	Args      []string      // more flags of "aureole serve"
	Env       []string      // more environment, NAME=value
	Launcher  []string      // what starts the server, such as setpriv with its options; it has to become the server
	StartWait time.Duration // how long to wait for /readyz; 0 is 30 s
}

// Server is a process under test. Its methods may be called from one goroutine at a time, except for the plain
// look-ups of fields, which do not change after New.
type Server struct {
	Endpoint  string // http://127.0.0.1:port, what a client is pointed at
	Host      string // 127.0.0.1:port
	Admin     string // http://127.0.0.1:port of the admin listener; "" for an external server
	AccessKey string
	SecretKey string
	Region    string
	CAFile    string   // the authority of the certificate; "" over plain HTTP
	Data      []string // data folders
	LogFile   string
	External  bool // somebody else's server: cannot be stopped, killed or looked into

	opts Options
	bin  string
	args []string

	mu      sync.Mutex
	cmd     *exec.Cmd
	exited  chan struct{}
	waitErr error
}

const (
	accessKey = "AKIAAUREOLETEST00001"
	secretKey = "tEsT/secret+key0123456789abcdefABCDEF123"
	region    = "us-east-1"
)

// New prepares a server below opts.Dir and starts it.
func New(opts Options) (*Server, error) {
	if opts.Dir == "" {
		return nil, errors.New("harness: Options.Dir is empty")
	}
	if opts.Devices == 0 {
		opts.Devices = 1
	}
	if opts.StartWait == 0 {
		opts.StartWait = 30 * time.Second
	}
	if err := os.MkdirAll(opts.Dir, 0o755); err != nil {
		return nil, err
	}
	bin, err := Build()
	if err != nil {
		return nil, err
	}
	s := &Server{
		AccessKey: accessKey,
		SecretKey: secretKey,
		Region:    region,
		LogFile:   filepath.Join(opts.Dir, "server.log"),
		opts:      opts,
		bin:       bin,
	}
	var args []string
	for i := range opts.Devices {
		dir := filepath.Join(opts.Dir, fmt.Sprintf("data%d", i+1))
		s.Data = append(s.Data, dir)
		args = append(args, "--data", dir)
	}
	if opts.Replicas > 0 {
		args = append(args, "--replicas", strconv.Itoa(opts.Replicas))
	}
	scheme := "http://"
	if opts.TLS {
		certs, err := makeCerts(opts.Dir)
		if err != nil {
			return nil, err
		}
		scheme = "https://"
		s.CAFile = certs.ca
		args = append(args, "--tls-cert", certs.cert, "--tls-key", certs.key)
	}
	args = append(args, opts.Args...)
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		adminPort, err := freePort()
		if err != nil {
			return nil, err
		}
		admin := fmt.Sprintf("127.0.0.1:%d", adminPort)
		s.Host, s.Admin = fmt.Sprintf("127.0.0.1:%d", port), "http://"+admin
		s.Endpoint = scheme + s.Host
		s.args = append([]string{"serve", "--listen", s.Host, "--admin-listen", admin}, args...)
		if err = s.Start(); err == nil {
			return s, nil
		}
		// Another process may have taken a port between the look and the start.
		if try == 5 || s.Running() || !strings.Contains(s.LogTail(4<<10), "address already in use") {
			return nil, err
		}
	}
}

// Start runs the process again after Kill or Stop, on the same ports and data, and waits until it is ready.
func (s *Server) Start() error {
	if err := s.Launch(); err != nil {
		return err
	}
	return s.WaitReady()
}

// Launch runs the process and does not wait: the next step may well be to kill it while it starts.
func (s *Server) Launch() error {
	log, err := os.OpenFile(s.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	fmt.Fprintf(log, "--- harness: %s %s\n", s.bin, strings.Join(s.args, " "))
	line := append(append(slices.Clone(s.opts.Launcher), s.bin), s.args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(),
		"AUREOLE_ROOT_ACCESS_KEY_ID="+s.AccessKey,
		"AUREOLE_ROOT_SECRET_ACCESS_KEY="+s.SecretKey,
		"GORACE=halt_on_error=0 exitcode=66",
	)
	cmd.Env = append(cmd.Env, s.opts.Env...)
	// The server dies with the test process even when that is killed by a timeout. (The signal follows the thread
	// that forks; the runtime keeps its threads as long as no goroutine exits locked to one.)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.bin, err)
	}
	exited := make(chan struct{})
	s.mu.Lock()
	s.cmd, s.exited = cmd, exited
	s.mu.Unlock()
	go func() {
		err := cmd.Wait()
		s.mu.Lock()
		s.waitErr = err
		s.mu.Unlock()
		close(exited)
	}()
	return nil
}

// WaitReady waits until the process says that it is ready.
func (s *Server) WaitReady() error {
	s.mu.Lock()
	exited := s.exited
	s.mu.Unlock()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	deadline := time.Now().Add(s.opts.StartWait)
	for {
		resp, err := client.Get(s.Admin + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("/readyz says %s", resp.Status)
		}
		select {
		case <-exited:
			return fmt.Errorf("server exited before it was ready: %v\n%s", s.exitErr(), s.LogTail(4<<10))
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.Kill()
			return fmt.Errorf("server not ready after %v: %w\n%s", s.opts.StartWait, err, s.LogTail(4<<10))
		}
	}
}

func (s *Server) exitErr() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waitErr
}

// PID returns the process id, 0 when none runs.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil || s.cmd.Process == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

// Running tells whether the process is alive.
func (s *Server) Running() bool {
	s.mu.Lock()
	exited := s.exited
	s.mu.Unlock()
	if exited == nil {
		return false
	}
	select {
	case <-exited:
		return false
	default:
		return true
	}
}

// Signal sends sig to the process.
func (s *Server) Signal(sig os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return os.ErrProcessDone
	}
	return s.cmd.Process.Signal(sig)
}

// Kill ends the process with SIGKILL and returns when it is gone.
func (s *Server) Kill() {
	if s.Signal(os.Kill) == nil {
		s.mu.Lock()
		exited := s.exited
		s.mu.Unlock()
		<-exited
	}
}

// Stop asks the process to drain by SIGTERM and waits for exit status 0.
func (s *Server) Stop(ctx context.Context) error {
	if !s.Running() {
		return fmt.Errorf("server was not running when it should be stopped: %v", s.exitErr())
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	s.mu.Lock()
	exited := s.exited
	s.mu.Unlock()
	select {
	case <-exited:
		if err := s.exitErr(); err != nil {
			return fmt.Errorf("server did not exit cleanly on SIGTERM: %w", err)
		}
		return nil
	case <-ctx.Done():
		_ = s.Signal(syscall.SIGQUIT) // its goroutines in the log say what it waits for
		time.Sleep(500 * time.Millisecond)
		s.Kill()
		return fmt.Errorf("server did not exit after SIGTERM: %w", ctx.Err())
	}
}

// SetData changes the data folders that the next Start gives to the server.
func (s *Server) SetData(dirs ...string) {
	var args []string
	for i := 0; i < len(s.args); i++ {
		if s.args[i] == "--data" {
			i++
			continue
		}
		args = append(args, s.args[i])
	}
	for _, dir := range dirs {
		args = append(args, "--data", dir)
	}
	s.args, s.Data = args, dirs
}
