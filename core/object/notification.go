package object

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// MaxNotifications is how many notification targets a bucket may have.
const MaxNotifications = 100

// Publisher sends notifications to what an ARN names.
type Publisher interface {
	// Find fails when nothing has that ARN.
	Find(ctx context.Context, arn string) error
	// Publish sends one message and returns when it was received.
	Publish(ctx context.Context, arn string, message []byte) error
}

// Notifications says who is told what about the objects of a bucket.
type Notifications struct {
	Targets []NotificationTarget
}

// The kinds of target, as S3 has them. They differ in their names only.
const (
	NotifyQueue    = "Queue"
	NotifyTopic    = "Topic"
	NotifyFunction = "CloudFunction"
)

// NotificationTarget is one receiver.
type NotificationTarget struct {
	ID     string
	Kind   string // NotifyQueue, …
	ARN    string
	Events []string
	Prefix *string `json:",omitempty"`
	Suffix *string `json:",omitempty"`

	events eventSet
}

// covers reports whether the target wants to know about a key.
func (t *NotificationTarget) covers(key string) bool {
	return (t.Prefix == nil || strings.HasPrefix(key, *t.Prefix)) && (t.Suffix == nil || strings.HasSuffix(key, *t.Suffix))
}

// overlaps reports whether some key is one of both.
func (t *NotificationTarget) overlaps(u *NotificationTarget) bool {
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	p, q := text(t.Prefix), text(u.Prefix)
	x, y := text(t.Suffix), text(u.Suffix)
	return (strings.HasPrefix(p, q) || strings.HasPrefix(q, p)) && (strings.HasSuffix(x, y) || strings.HasSuffix(y, x))
}

func parseNotifications(data []byte) (*Notifications, error) {
	n := &Notifications{}
	if err := json.Unmarshal(data, n); err != nil {
		return nil, err
	}
	for i := range n.Targets {
		for _, name := range n.Targets[i].Events {
			set, ok := parseEvent(name)
			if !ok {
				return nil, fmt.Errorf("%w: event %q", errRecord, name)
			}
			n.Targets[i].events |= set
		}
	}
	return n, nil
}

// Notifications returns who is told about the objects of a bucket.
func (s *Service) Notifications(ctx context.Context, who iam.Principal, bucket string) (*Notifications, error) {
	b, err := s.enterSettings(ctx, &who, SettingNotification.rule().get, bucket)
	if err != nil {
		return nil, failed("object.Notifications", bucket, err)
	}
	if b.settings.notify == nil {
		return &Notifications{}, nil
	}
	return b.settings.notify, nil
}

// PutNotifications sets who is told. Targets without an id get one. Each is sent a test message unless unchecked is set.
func (s *Service) PutNotifications(ctx context.Context, who iam.Principal, bucket string, n *Notifications, unchecked bool) error {
	return failed("object.PutNotifications", bucket, s.putNotifications(ctx, who, bucket, n, unchecked))
}

func (s *Service) putNotifications(ctx context.Context, who iam.Principal, bucket string, n *Notifications, unchecked bool) error {
	b, err := s.enter(ctx, &who, SettingNotification.rule().put, bucket, "")
	if err != nil {
		return err
	}
	if err := n.validate(); err != nil {
		return err
	}
	if !unchecked {
		if err := s.testTargets(ctx, &who, b, n); err != nil {
			return err
		}
	}
	if len(n.Targets) == 0 {
		return s.writeSetting(ctx, b, SettingNotification, nil, nil)
	}
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.PutSetting(ctx, who, bucket, SettingNotification, data)
}

func (n *Notifications) validate() error {
	if len(n.Targets) > MaxNotifications {
		return invalidArgument("A bucket can have %d notification configurations at most", MaxNotifications)
	}
	ids := map[string]bool{}
	for i := range n.Targets {
		t := &n.Targets[i]
		if !isARN(t.ARN) {
			return argument(t.Kind, t.ARN, "The ARN could not be parsed")
		}
		if t.ID == "" {
			t.ID = newInstance(time.Now(), instance{}).String()
		}
		if len(t.ID) > maxRuleID {
			return argument("Id", t.ID, "ID length should not exceed allowed limit of %d", maxRuleID)
		}
		if ids[t.ID] {
			return argument("Id", t.ID, "Same ID used for multiple configurations. IDs must be unique")
		}
		ids[t.ID] = true
		if len(t.Events) == 0 {
			return malformed()
		}
		t.events = 0
		for _, name := range t.Events {
			set, ok := parseEvent(name)
			if !ok {
				return argument("Event", name, "The event is not supported for notifications")
			}
			t.events |= set
		}
		for j := range n.Targets[:i] {
			if u := &n.Targets[j]; u.events&t.events != 0 && u.overlaps(t) {
				return invalidArgument("Configurations overlap. Configurations on the same bucket cannot share a common event type with overlapping prefixes and suffixes.")
			}
		}
	}
	return nil
}

// isARN reports whether s has the six parts of an ARN and names something.
func isARN(s string) bool {
	parts := strings.SplitN(s, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[1] != "" && parts[2] != "" && parts[5] != "" && len(s) <= 512
}

// testTargets sends each target a message, as Amazon does, and refuses those that cannot be reached.
func (s *Service) testTargets(ctx context.Context, who *iam.Principal, b *bucket, n *Notifications) error {
	message := testEvent{Service: "Amazon S3", Event: "s3:TestEvent", Time: s.now().UTC().Format(eventTime), Bucket: b.Name}
	if o, ok := who.Facts.(Origin); ok {
		_, message.RequestID, message.HostID = o.Origin()
	}
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	detail := map[string]string{}
	refuse := func(arn, why string) {
		i := strconv.Itoa(len(detail)/2 + 1)
		detail["ArgumentName"+i], detail["ArgumentValue"+i] = arn, why
	}
	for i := range n.Targets {
		t := &n.Targets[i]
		what := map[string]string{NotifyQueue: "queue", NotifyTopic: "topic", NotifyFunction: "Lambda function"}[t.Kind]
		if s.cfg.Publisher == nil || s.cfg.Publisher.Find(ctx, t.ARN) != nil {
			refuse(t.ARN, "The destination "+what+" does not exist")
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, publishTime)
		err := s.cfg.Publisher.Publish(ctx, t.ARN, data)
		cancel()
		if err != nil {
			s.log.Warn("testing a notification target", "bucket", b.Name, "arn", t.ARN, "err", err)
			refuse(t.ARN, "The destination "+what+" could not be reached")
		}
	}
	if len(detail) == 0 {
		return nil
	}
	e := errs.New(errs.Invalid, InvalidArgument, "Unable to validate the following destination configurations")
	e.Detail = detail
	return e
}

// notify sends one notification.
func (s *Service) notify(ctx context.Context, b *bucket, id string, r *outboxRecord) error {
	if s.cfg.Publisher == nil || b.settings.notify == nil {
		return errDrop
	}
	var target *NotificationTarget
	for i := range b.settings.notify.Targets {
		if t := &b.settings.notify.Targets[i]; t.ID == id {
			target = t
		}
	}
	if target == nil {
		return errDrop
	}
	if s.now().Sub(time.UnixMilli(r.Time)) > outboxAge {
		s.outbox.dropped.Add(1)
		s.log.Warn("giving a notification up", "bucket", b.Name, "target", id, "key", r.Key)
		return errDrop
	}
	message, err := json.Marshal(events{Records: []eventRecord{s.eventOf(b, id, r)}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	return s.cfg.Publisher.Publish(ctx, target.ARN, message)
}

// eventTime is how events write times.
const eventTime = "2006-01-02T15:04:05.000Z"

// testEvent is what a new target is sent.
type testEvent struct {
	Service, Event, Time, Bucket string
	RequestID                    string `json:"RequestId"`
	HostID                       string `json:"HostId"`
}

// events is a message in Amazon's form:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
type events struct {
	Records []eventRecord
}

type eventRecord struct {
	EventVersion      string            `json:"eventVersion"`
	EventSource       string            `json:"eventSource"`
	AWSRegion         string            `json:"awsRegion"`
	EventTime         string            `json:"eventTime"`
	EventName         string            `json:"eventName"`
	UserIdentity      principalID       `json:"userIdentity"`
	RequestParameters map[string]string `json:"requestParameters"`
	ResponseElements  map[string]string `json:"responseElements"`
	S3                eventS3           `json:"s3"`
	Glacier           *glacierEvent     `json:"glacierEventData,omitempty"`
	Lifecycle         *lifecycleEvent   `json:"lifecycleEventData,omitempty"`
}

type principalID struct {
	PrincipalID string `json:"principalId"`
}

type eventS3 struct {
	Version         string      `json:"s3SchemaVersion"`
	ConfigurationID string      `json:"configurationId"`
	Bucket          eventBucket `json:"bucket"`
	Object          eventObject `json:"object"`
}

type eventBucket struct {
	Name  string      `json:"name"`
	Owner principalID `json:"ownerIdentity"`
	ARN   string      `json:"arn"`
}

type eventObject struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"eTag,omitempty"`
	VersionID string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
}

type glacierEvent struct {
	Restore struct {
		Expiry string `json:"lifecycleRestorationExpiryTime"`
		Class  string `json:"lifecycleRestoreStorageClass"`
	} `json:"restoreEventData"`
}

type lifecycleEvent struct {
	Transition struct {
		Class string `json:"destinationStorageClass"`
	} `json:"transitionEventData"`
}

// eventKey is a key as events write it: form-encoded, but for slashes, which keep their own look at Amazon. Whoever decodes the one
// decodes the other.
func eventKey(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }

// eventOf describes what happened for target id.
func (s *Service) eventOf(b *bucket, id string, r *outboxRecord) eventRecord {
	e := event(r.Event)
	out := eventRecord{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: s.regionOf(b), EventTime: time.UnixMilli(r.Time).UTC().Format(eventTime),
		EventName: eventNames[e], UserIdentity: principalID{r.Principal},
		RequestParameters: map[string]string{"sourceIPAddress": r.Address},
		ResponseElements:  map[string]string{"x-amz-request-id": r.Request, "x-amz-id-2": r.Host},
		S3: eventS3{Version: "1.0", ConfigurationID: id,
			Bucket: eventBucket{Name: b.Name, Owner: principalID{b.Owner.CanonicalID}, ARN: arnPrefix + b.Name},
			Object: eventObject{Key: eventKey(r.Key), ETag: r.ETag, VersionID: r.VersionID, Sequencer: fmt.Sprintf("%016X", r.Instance[:8])}},
	}
	if r.Principal == "" {
		out.UserIdentity.PrincipalID = "AmazonCustomer:" + b.Owner.CanonicalID
	}
	switch e {
	case eventTagged, eventUntagged, eventACL:
		out.EventVersion, out.S3.Object.Sequencer = "2.3", ""
	case eventExpired, eventExpiredMarker:
		out.EventVersion = "2.3"
	case eventDelete, eventMarker:
		out.S3.Object.ETag = ""
		if e == eventMarker { // Amazon shows the MD5 of nothing
			out.S3.Object.ETag = "d41d8cd98f00b204e9800998ecf8427e"
		}
	case eventTransition:
		out.EventVersion, out.Lifecycle = "2.3", &lifecycleEvent{}
		out.Lifecycle.Transition.Class = storageClassName(r.Class)
		out.S3.Object.Size = &r.Size
	case eventRestored:
		out.Glacier = &glacierEvent{}
		out.Glacier.Restore.Expiry = time.UnixMilli(r.Until).UTC().Format(eventTime)
		out.Glacier.Restore.Class = storageClassName(r.Class)
		out.S3.Object.Size = &r.Size
	default:
		out.S3.Object.Size = &r.Size
	}
	return out
}
