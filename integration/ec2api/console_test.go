package ec2api

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestConsoleAfterTheEnd: the last 64 KiB of a console outlive their instance, also a server that starts anew, and nothing else
// of it does. Machines without guests write nothing, so the test does it for them.
func TestConsoleAfterTheEnd(t *testing.T) {
	s := startTest(t, "--host-prefix", ownPrefix("c"))
	f := &fixture{t: t, s: s, names: map[string]string{}}
	f.image()
	c, ctx := root(s), t.Context()
	for _, name := range []string{"talks", "silent"} {
		f.names[name] = *ok[ec2.RunInstancesOutput](t)(c.RunInstances(ctx, &ec2.RunInstancesInput{
			ImageId: aws.String(f.names["image"]), InstanceType: types.InstanceTypeT3Nano, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})).Instances[0].InstanceId
	}
	t.Cleanup(func() { f.endAll(c) })
	f.await(c, map[string]types.InstanceStateName{"talks": "running", "silent": "running"})
	machines := filepath.Join(s.Data[0], "machines")
	log := filepath.Join(machines, "instances", f.names["talks"], "console.log")
	said := strings.Repeat("a line of a guest\n", 5000) + "the last line\n"
	then := time.Now().Add(-time.Minute).Truncate(time.Second)
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{log + ".0": "older\n", log: said} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(log, then, then); err != nil {
		t.Fatal(err)
	}
	want := said[len(said)-64<<10:]
	look := func(when string) {
		t.Helper()
		for name, want := range map[string]string{"talks": want, "silent": ""} {
			for _, latest := range []*bool{nil, aws.Bool(true)} {
				out := ok[ec2.GetConsoleOutputOutput](t)(c.GetConsoleOutput(ctx, &ec2.GetConsoleOutputInput{InstanceId: aws.String(f.names[name]), Latest: latest}))
				text, err := base64.StdEncoding.DecodeString(aws.ToString(out.Output))
				if err != nil || string(text) != want || *out.InstanceId != f.names[name] || name == "talks" && !out.Timestamp.Equal(then) {
					t.Errorf("%s, %s: %v, %d bytes that end in %q, of %v", when, name, err, len(text), text[max(0, len(text)-20):], out.Timestamp)
				}
			}
		}
	}
	look("running")
	ok[ec2.TerminateInstancesOutput](t)(c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{f.names["talks"], f.names["silent"]}}))
	look("shutting down")
	f.await(c, map[string]types.InstanceStateName{"talks": "terminated", "silent": "terminated"})
	look("terminated")
	if left, err := os.ReadDir(filepath.Join(machines, "instances")); err != nil || len(left) > 0 {
		t.Errorf("%v %v", left, err)
	}
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	// What nobody can ask about goes at the start.
	for _, name := range []string{"i-0123456789abcdef0.log", "i-0123456789abcdef0.log.new"} {
		if err := os.WriteFile(filepath.Join(machines, "consoles", name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	look("after a restart")
	if left, err := os.ReadDir(filepath.Join(machines, "consoles")); err != nil || len(left) != 1 || left[0].Name() != f.names["talks"]+".log" {
		t.Errorf("%v %v", left, err)
	}
}

// TestEndsWithoutItsConsole: an instance ends, too, when its console cannot be kept.
func TestEndsWithoutItsConsole(t *testing.T) {
	s := startTest(t, "--host-prefix", ownPrefix("e"))
	f := &fixture{t: t, s: s, names: map[string]string{}}
	f.image()
	c, ctx := root(s), t.Context()
	id := *ok[ec2.RunInstancesOutput](t)(c.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(f.names["image"]), InstanceType: types.InstanceTypeT3Nano, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})).Instances[0].InstanceId
	f.names["one"] = id
	t.Cleanup(func() { f.endAll(c) })
	f.await(c, map[string]types.InstanceStateName{"one": "running"})
	machines := filepath.Join(s.Data[0], "machines")
	log := filepath.Join(machines, "instances", id, "console.log")
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A folder with something in it is where the file is to be written.
	if err := os.MkdirAll(filepath.Join(machines, "consoles", id+".log.new", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	ok[ec2.TerminateInstancesOutput](t)(c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}}))
	f.await(c, map[string]types.InstanceStateName{"one": "terminated"})
	out := ok[ec2.GetConsoleOutputOutput](t)(c.GetConsoleOutput(ctx, &ec2.GetConsoleOutputInput{InstanceId: aws.String(id)}))
	if aws.ToString(out.Output) != "" {
		t.Errorf("output %q", aws.ToString(out.Output))
	}
	if _, err := os.Stat(filepath.Dir(log)); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
}
