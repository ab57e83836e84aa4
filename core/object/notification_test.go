package object_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

// post is a Publisher that keeps what it is given.
type post struct {
	mu       sync.Mutex
	down     bool
	messages []string // ARN and what happened
	order    []string // what has a sequencer, with it
}

const hookARN = "arn:aureole:webhook:::hook"

func (p *post) Find(_ context.Context, arn string) error {
	if arn != hookARN && arn != hookARN+"2" {
		return errs.New(errs.NotFound, "", "no %s", arn)
	}
	return nil
}

var errDown = errors.New("the receiver is down")

func (p *post) Publish(_ context.Context, arn string, message []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return errDown
	}
	var m struct {
		Event   string
		Records []struct {
			EventName string
			S3        struct {
				ConfigurationID string
				Object          struct {
					Key, VersionID, ETag, Sequencer string
					Size                            *int64
				}
			}
		}
	}
	if err := json.Unmarshal(message, &m); err != nil {
		return err
	}
	if m.Event != "" {
		p.messages = append(p.messages, arn[len(hookARN):]+m.Event)
		return nil
	}
	r := m.Records[0]
	s := r.S3.ConfigurationID + " " + r.EventName + " " + r.S3.Object.Key
	if r.S3.Object.Size != nil {
		s += fmt.Sprint(" ", *r.S3.Object.Size)
	}
	if r.S3.Object.VersionID != "" {
		s += " version"
	}
	p.messages = append(p.messages, s)
	if r.S3.Object.Sequencer != "" {
		p.order = append(p.order, s+" "+r.S3.Object.Sequencer)
	}
	return nil
}

func (p *post) setDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// wait returns the messages once there are so many.
func (p *post) wait(t *testing.T, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		got := append([]string(nil), p.messages...)
		p.mu.Unlock()
		if len(got) >= n {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d messages of %d: %q", len(got), n, got)
		}
	}
}

func notifyWorld(t *testing.T) (*world, *post) {
	p := &post{}
	return newWorld(t, func(c *object.Config) { c.Publisher, c.Workers, c.LifecycleDay = p, true, time.Hour }), p
}

func target(id string, events ...string) object.NotificationTarget {
	return object.NotificationTarget{ID: id, Kind: object.NotifyQueue, ARN: hookARN, Events: events}
}

func TestNotifications(t *testing.T) {
	w, p := notifyWorld(t)
	w.versioned("bkt")
	all := target("all", "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*", "s3:ObjectRestore:*")
	all.Suffix = ptr("k")
	logs := target("logs", "s3:ObjectCreated:Put")
	logs.ARN, logs.Prefix, logs.Suffix = hookARN+"2", ptr("logs/"), ptr(".txt")
	must(t, w.PutNotifications(ctx, alice, "bkt", &object.Notifications{Targets: []object.NotificationTarget{all, logs}}, false))
	wantList(t, p.wait(t, 2), "s3:TestEvent", "2s3:TestEvent")

	w.put("bkt", "a b&k", []byte("12345"))
	w.put("bkt", "logs/x.txt", nil)
	w.put("bkt", "logs/x.csv", nil)
	_, err := w.PutTagging(ctx, alice, "bkt", "a b&k", "", []object.Tag{{Key: "a", Value: "b"}})
	must(t, err)
	_, err = w.DeleteTagging(ctx, alice, "bkt", "a b&k", "")
	must(t, err)
	_, err = w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "a b&k", Bucket: "bkt", Key: "copy.k"})
	must(t, err)
	u, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: "mp.k"})
	must(t, err)
	part, err := w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: "mp.k", UploadID: u.UploadID, PartNumber: 1, Body: bytes.NewReader([]byte("123")), Size: 3})
	must(t, err)
	_, err = w.CompleteUpload(ctx, alice, &object.CompleteInput{Bucket: "bkt", Key: "mp.k", UploadID: u.UploadID, Parts: []object.CompletePart{{Number: 1, ETag: part.ETag}}})
	must(t, err)
	del, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "mp.k"})
	must(t, err)
	_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "mp.k", VersionID: del.VersionID})
	must(t, err)
	_, err = w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "cold.k", Body: bytes.NewReader(nil), StorageClass: "GLACIER"})
	must(t, err)
	_, err = w.RestoreObject(ctx, alice, &object.RestoreInput{Bucket: "bkt", Key: "cold.k", Days: 1})
	must(t, err)

	var queue []string
	for _, m := range p.wait(t, 13)[2:] {
		if m == "logs ObjectCreated:Put logs/x.txt 0 version" {
			continue // another queue, which comes when it comes
		}
		queue = append(queue, m)
	}
	wantList(t, queue,
		"all ObjectCreated:Put a+b%26k 5 version", "all ObjectTagging:Put a+b%26k version", "all ObjectTagging:Delete a+b%26k version",
		"all ObjectCreated:Copy copy.k 5 version", "all ObjectCreated:CompleteMultipartUpload mp.k 3 version",
		"all ObjectRemoved:DeleteMarkerCreated mp.k version", "all ObjectRemoved:Delete mp.k version",
		"all ObjectCreated:Put cold.k 0 version", "all ObjectRestore:Post cold.k 0 version", "all ObjectRestore:Completed cold.k 0 version")

	// What happens to a key can be put in order by those who hear of it in another.
	last, ordered := "", 0
	p.mu.Lock()
	for _, o := range p.order {
		if !strings.Contains(o, " mp.k ") {
			continue
		}
		if at := o[strings.LastIndexByte(o, ' ')+1:]; at <= last {
			t.Errorf("%q comes not after %s", o, last)
		} else {
			last, ordered = at, ordered+1
		}
	}
	p.mu.Unlock()
	if ordered != 3 {
		t.Errorf("%d events of the key have a sequencer", ordered)
	}

	// What nobody listens to is told nobody.
	must(t, w.PutNotifications(ctx, alice, "bkt", &object.Notifications{}, false))
	w.put("bkt", "silent.k", nil)
	time.Sleep(50 * time.Millisecond)
	if got := p.wait(t, 13); len(got) != 13 {
		t.Errorf("%q", got[13:])
	}
}

// Nothing is forgotten by a receiver that is down or by restarts, and one queue does not wait for another.
func TestNotificationsSurvive(t *testing.T) {
	w, p := notifyWorld(t)
	w.bucket("bkt")
	must(t, w.PutNotifications(ctx, alice, "bkt", &object.Notifications{Targets: []object.NotificationTarget{target("q", "s3:ObjectCreated:*", "s3:LifecycleExpiration:*")}}, true))
	p.setDown(true)
	for i := range 100 {
		w.put("bkt", fmt.Sprintf("k%03d", i), nil)
	}
	must(t, w.Service.Close())
	p.setDown(false)
	var err error
	w.Service, err = object.Open(ctx, w.cfg)
	must(t, err)
	got := p.wait(t, 100)
	for i := range 100 {
		if want := fmt.Sprintf("q ObjectCreated:Put k%03d 0", i); got[i] != want {
			t.Fatalf("message %d: %q, want %q", i, got[i], want)
		}
	}
	// Lifecycle tells as well.
	past := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	w.rules2("bkt", object.LifecycleRule{Expiration: &object.LifecycleExpiration{Date: &past}})
	_, err = w.LifecycleOnce(ctx)
	must(t, err)
	got = p.wait(t, 200)
	if got[100] != "q LifecycleExpiration:Delete k000" {
		t.Errorf("%q", got[100])
	}
	// What waits for a bucket that is gone goes with it.
	p.setDown(true)
	w.put("bkt", "last", nil)
	_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "last"})
	must(t, err)
	must(t, w.DeleteBucket(ctx, alice, "bkt"))
	time.Sleep(time.Second) // an attempt that began before may still be under way, and would be right to end well
	p.setDown(false)
	time.Sleep(1500 * time.Millisecond)
	if got := p.wait(t, 200); len(got) != 200 {
		t.Errorf("%q", got[200:])
	}
}

func TestNotificationRefusals(t *testing.T) {
	w, p := notifyWorld(t)
	w.bucket("bkt")
	put := func(ts ...object.NotificationTarget) error {
		return w.PutNotifications(ctx, alice, "bkt", &object.Notifications{Targets: ts}, false)
	}
	with := func(t object.NotificationTarget, change func(*object.NotificationTarget)) object.NotificationTarget {
		change(&t)
		return t
	}
	a := target("a", "s3:ObjectCreated:*")
	for name, err := range map[string]error{
		"ARN":     put(with(a, func(t *object.NotificationTarget) { t.ARN = "queue" })),
		"event":   put(target("a", "s3:ObjectEaten")),
		"nobody":  put(with(a, func(t *object.NotificationTarget) { t.ARN = "arn:aws:sqs:us-east-1:1:none" })),
		"same id": put(a, target("a", "s3:ObjectRemoved:*")),
		"overlap": put(a, with(target("b", "s3:ObjectCreated:Put"), func(t *object.NotificationTarget) { t.Prefix = ptr("x") })),
		"long id": put(target(strings.Repeat("i", 256), "s3:ObjectCreated:*")),
	} {
		if errs.KindOf(err) != errs.Invalid || errs.ReasonOf(err) != object.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantErr(t, put(target("a")), errs.Invalid, object.MalformedDocument)
	wantErr(t, w.PutNotifications(ctx, bob, "bkt", &object.Notifications{}, false), errs.Denied, "AccessDenied")
	p.setDown(true)
	wantErr(t, put(a), errs.Invalid, object.InvalidArgument)
	must(t, w.PutNotifications(ctx, alice, "bkt", &object.Notifications{Targets: []object.NotificationTarget{a}}, true))
	n, err := w.Notifications(ctx, alice, "bkt")
	if err != nil || len(n.Targets) != 1 || n.Targets[0].ID != "a" {
		t.Errorf("%+v %v", n, err)
	}
	// Distinct keys may go to distinct targets.
	must(t, w.PutNotifications(ctx, alice, "bkt", &object.Notifications{Targets: []object.NotificationTarget{
		with(a, func(t *object.NotificationTarget) { t.Prefix = ptr("a/") }), with(target("b", "s3:ObjectCreated:*"), func(t *object.NotificationTarget) { t.Prefix = ptr("b/") }),
	}}, true))
}
