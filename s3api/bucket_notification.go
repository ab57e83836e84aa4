package s3api

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

func notificationElement() s3xml.Element {
	filter := group("Filter", group("S3Key", many(group("FilterRule", required(leaf("Name")), required(leaf("Value"))))))
	target := func(kind string) s3xml.Element {
		return many(group(kind+"Configuration", leaf("Id"), required(filled(kind)), required(many(filled("Event"))), filter))
	}
	return group("NotificationConfiguration", target(object.NotifyTopic), target(object.NotifyQueue), target(object.NotifyFunction),
		group("EventBridgeConfiguration"))
}

// getBucketNotification: GET /bucket?notification
func getBucketNotification(r *request) (*response, error) {
	n, err := r.srv.objects.Notifications(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("NotificationConfiguration", 1024)
	for i := range n.Targets {
		writeTarget(x, &n.Targets[i])
	}
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

func writeTarget(x *s3xml.Doc, t *object.NotificationTarget) {
	x.Open(t.Kind + "Configuration")
	x.Text("Id", t.ID)
	x.Text(t.Kind, t.ARN)
	for _, e := range t.Events {
		x.Text("Event", e)
	}
	if t.Prefix != nil || t.Suffix != nil {
		x.Open("Filter")
		x.Open("S3Key")
		for _, f := range [...]struct {
			name  string
			value *string
		}{{"Prefix", t.Prefix}, {"Suffix", t.Suffix}} {
			if f.value != nil {
				x.Open("FilterRule")
				x.Text("Name", f.name)
				x.Text("Value", *f.value)
				x.Close("FilterRule")
			}
		}
		x.Close("S3Key")
		x.Close("Filter")
	}
	x.Close(t.Kind + "Configuration")
}

// putBucketNotification: PUT /bucket?notification
func putBucketNotification(r *request) (*response, error) {
	doc, err := r.readNode(notificationElement())
	if err != nil {
		return nil, err
	}
	if doc.Child("EventBridgeConfiguration") != nil {
		return nil, s3err.Newf(s3err.NotImplemented, "There is no EventBridge to send notifications to")
	}
	n := &object.Notifications{}
	for _, c := range doc.Children {
		t, err := notificationTarget(c)
		if err != nil {
			return nil, err
		}
		n.Targets = append(n.Targets, t)
	}
	unchecked := strings.EqualFold(r.header("x-amz-skip-destination-validation"), "true")
	if err := r.srv.objects.PutNotifications(r.ctx, r.who, r.bucket, n, unchecked); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

func notificationTarget(c *s3xml.Node) (object.NotificationTarget, error) {
	kind := strings.TrimSuffix(c.Name, "Configuration")
	t := object.NotificationTarget{ID: c.Text("Id"), Kind: kind, ARN: c.Text(kind)}
	for _, e := range c.All("Event") {
		t.Events = append(t.Events, e.Value)
	}
	for _, rule := range c.Child("Filter", "S3Key").All("FilterRule") {
		name, value := rule.Text("Name"), rule.Text("Value")
		if len(value) > object.MaxKeyLen {
			return t, s3err.Argument("FilterRule.Value", value, "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation.")
		}
		into := &t.Prefix
		switch strings.ToLower(name) {
		case "prefix":
		case "suffix":
			into = &t.Suffix
		default:
			return t, s3err.Argument("FilterRule.Name", name, "filter rule name must be either prefix or suffix")
		}
		if *into != nil {
			return t, s3err.Argument("FilterRule.Name", name, "Cannot specify more than one "+strings.ToLower(name)+" rule in a filter.")
		}
		*into = &value
	}
	return t, nil
}
