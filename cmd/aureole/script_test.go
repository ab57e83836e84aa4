package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
)

// The test binary is the program too: scripts run it as "aureole".
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"aureole": main})
}

// TestScripts runs the sessions in testdata: the program as people use it, from the command line.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			// Whatever the machine sets must not reach the program.
			e.Setenv("AUREOLE_LISTEN", "127.0.0.1:0")
			e.Setenv("AUREOLE_ADMIN_LISTEN", "127.0.0.1:0")
			e.Setenv("AUREOLE_DATA", e.WorkDir+"/data")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready":        ready,
			"term":         term,
			"get":          get,
			"s3":           s3command,
			"random":       random,
			"until":        until,
			"unprivileged": unprivileged,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

const patience = 60 * time.Second

// ready DIR waits until the server on the data folder is ready.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready DIR")
	}
	dir := ts.MkAbs(args[0])
	var last string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		info, err := datadir.ReadServer(dir)
		if err != nil {
			last = err.Error()
			continue
		}
		status, body, err := fetch(info.Admin+"/readyz", "")
		if err == nil && status == http.StatusOK {
			return
		}
		last = fmt.Sprint(status, body, err)
	}
	ts.Fatalf("not ready: %s", last)
}

// term DIR asks the server on the data folder to stop, as an init system does.
func term(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: term DIR")
	}
	info, err := datadir.ReadServer(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(syscall.Kill(info.PID, syscall.SIGTERM))
}

// get DIR s3|admin PATH STATUS prints what the server on the data folder answers; PATH may be "POST PATH".
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: get DIR s3|admin [POST ]PATH STATUS")
	}
	info, err := datadir.ReadServer(ts.MkAbs(args[0]))
	ts.Check(err)
	base := info.Endpoint
	if args[1] == "admin" {
		base = info.Admin
	}
	method, path, ok := strings.Cut(args[2], " ")
	if !ok {
		method, path = "", args[2]
	}
	status, body, err := fetch(base+path, method)
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), body)
	if strconv.Itoa(status) != args[3] {
		ts.Fatalf("%s answered %d, want %s\n%s", path, status, args[3], body)
	}
}

func fetch(url, method string) (int, string, error) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		return 0, "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// unprivileged COMMAND… runs a command that no permission is overlooked for, whoever runs the tests.
func unprivileged(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: unprivileged COMMAND...")
	}
	if os.Geteuid() == 0 {
		args = append([]string{"setpriv", "--bounding-set=-all", "--inh-caps=-all"}, args...)
	}
	if err := ts.Exec(args[0], args[1:]...); (err != nil) != neg {
		ts.Fatalf("%v: %v", args, err)
	}
}

// random FILE SIZE COUNT writes COUNT files FILE1, FILE2, … of SIZE bytes that differ.
func random(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: random FILE SIZE COUNT")
	}
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	count, err := strconv.Atoi(args[2])
	ts.Check(err)
	for i := 1; i <= count; i++ {
		x := uint64(i) * 0x9e3779b97f4a7c15
		data := make([]byte, size)
		for j := range data {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			data[j] = byte(x >> 32)
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+strconv.Itoa(i)), data, 0o600))
	}
}

// until REGEXP COMMAND... runs a command of the program until it succeeds and its standard output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP COMMAND...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	var out string
	for end := time.Now().Add(4 * patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if out = ts.ReadFile("stdout"); err == nil && pattern.MatchString(out) {
			return
		}
	}
	ts.Fatalf("%v never said %q, but\n%s%s", args[1:], args[0], out, ts.ReadFile("stderr"))
}

// s3command is a small S3 client with the root's keys, or those in AK and SK:
//
//	s3 DIR mb BUCKET
//	s3 DIR put BUCKET FILE COUNT     FILE1 … to keys of the same names
//	s3 DIR check BUCKET FILE COUNT   and back, compared
//	s3 DIR rm BUCKET FILE COUNT
//	s3 DIR buckets                   prints the names
func s3command(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: s3 DIR COMMAND...")
	}
	err := s3do(ts, ts.MkAbs(args[0]), args[1:])
	switch {
	case neg && err == nil:
		ts.Fatalf("s3 %v succeeded", args)
	case neg:
		fmt.Fprintln(ts.Stdout(), err)
	default:
		ts.Check(err)
	}
}

func s3do(ts *testscript.TestScript, dir string, args []string) error {
	client, err := s3client(dir, ts.Getenv("AK"), ts.Getenv("SK"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch {
	case args[0] == "buckets":
		out, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
		if err != nil {
			return err
		}
		for _, b := range out.Buckets {
			fmt.Fprintln(ts.Stdout(), *b.Name)
		}
		return nil
	case args[0] == "mb" && len(args) == 2:
		_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &args[1]})
		return err
	case len(args) != 4:
		return fmt.Errorf("usage: s3 DIR %s BUCKET FILE COUNT", args[0])
	}
	count, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	for i := 1; i <= count; i++ {
		name := args[2] + strconv.Itoa(i)
		if err := s3one(ctx, client, args[0], args[1], name, ts.MkAbs(name)); err != nil {
			return fmt.Errorf("%s %s: %w", args[0], name, err)
		}
	}
	return nil
}

func s3one(ctx context.Context, client *s3.Client, what, bucket, key, file string) error {
	if what == "rm" {
		_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
		return err
	}
	want, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if what == "put" {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(want)})
		return err
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	defer out.Body.Close()
	have, err := io.ReadAll(out.Body)
	if err == nil && !bytes.Equal(have, want) {
		err = errors.New("came back different")
	}
	return err
}

func s3client(dir, ak, sk string) (*s3.Client, error) {
	info, err := datadir.ReadServer(dir)
	if err != nil {
		return nil, err
	}
	if ak == "" {
		text, err := os.ReadFile(datadir.CredentialsFile(dir))
		if err != nil {
			return nil, err
		}
		for line := range strings.SplitSeq(string(text), "\n") {
			switch key, value, _ := strings.Cut(line, " = "); key {
			case "aws_access_key_id":
				ak = value
			case "aws_secret_access_key":
				sk = value
			}
		}
	}
	transport := &http.Transport{DisableKeepAlives: true}
	if info.CABundle != "" {
		pem, err := os.ReadFile(info.CABundle)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return s3.New(s3.Options{
		Region: info.Region, BaseEndpoint: aws.String(info.Endpoint), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(ak, sk, ""), HTTPClient: &http.Client{Transport: transport},
		RetryMaxAttempts: 1,
	}), nil
}
