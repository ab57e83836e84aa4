package s3api

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"unicode"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

func replicationElement() s3xml.Element {
	status := leaf("Status", "Enabled", "Disabled")
	minutes := s3xml.Element{Name: "Minutes", Type: s3xml.Integer}
	return group("ReplicationConfiguration", required(filled("Role")), required(many(group("Rule",
		leaf("ID"), s3xml.Element{Name: "Priority", Type: s3xml.Integer}, leaf("Prefix"), filterElement(), required(status),
		group("SourceSelectionCriteria", group("SseKmsEncryptedObjects", required(status)), group("ReplicaModifications", required(status))),
		group("ExistingObjectReplication", required(status)),
		required(group("Destination", required(filled("Bucket")), leaf("Account"), leaf("StorageClass"),
			group("AccessControlTranslation", required(leaf("Owner", "Destination"))),
			group("EncryptionConfiguration", leaf("ReplicaKmsKeyID")),
			group("ReplicationTime", required(status), required(group("Time", minutes))),
			group("Metrics", required(status), group("EventThreshold", minutes)))),
		group("DeleteMarkerReplication", status)))))
}

// getBucketReplication: GET /bucket?replication
func getBucketReplication(r *request) (*response, error) {
	c, err := r.srv.objects.Replication(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("ReplicationConfiguration", len(c.Document)+256)
	x.Raw(c.Document)
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putBucketReplication: PUT /bucket?replication
func putBucketReplication(r *request) (*response, error) {
	n, err := r.readNode(replicationElement())
	if err != nil {
		return nil, err
	}
	c := &object.Replication{Role: n.Text("Role")}
	for _, rule := range n.All("Rule") {
		if rule.Text("ID") == "" {
			rule.Set("ID", randomID())
		}
		out, err := replicationRule(rule)
		if err != nil {
			return nil, err
		}
		c.Rules = append(c.Rules, out)
	}
	c.Document = n.Fragment()
	if err := r.srv.objects.PutReplication(r.ctx, r.who, r.bucket, c); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// randomID is the id of a rule that came without one.
func randomID() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return hex.EncodeToString(b[:])
}

// checkDestination holds a destination against what the API reference lists as errors of replication.
func checkDestination(d *s3xml.Node) error {
	const minutes = "15" // the one time that Amazon promises
	for _, path := range [...][2]string{{"ReplicationTime", "Time"}, {"Metrics", "EventThreshold"}} {
		if m := d.Child(path[0], path[1]); m != nil && m.Text("Minutes") != minutes {
			return s3err.Argument(path[0]+"-"+path[1]+"-Minutes", m.Text("Minutes"), path[0]+" minutes must be "+minutes)
		}
	}
	account := d.Child("Account")
	switch {
	case account != nil && account.Value == "":
		return s3err.Argument("Account", "", "The Account element must contain a valid account ID")
	case account == nil && d.Child("AccessControlTranslation") != nil:
		return s3err.Newf(s3err.InvalidRequest, "Account must be specified if AccessControlTranslation has an Owner")
	case d.Child("ReplicationTime") != nil && d.Text("ReplicationTime", "Status") != d.Text("Metrics", "Status"):
		return s3err.Newf(s3err.InvalidRequest, "ReplicationTime needs Metrics of the same status")
	}
	return nil
}

func replicationRule(n *s3xml.Node) (object.ReplicationRule, error) {
	d := n.Child("Destination")
	out := object.ReplicationRule{
		ID: n.Text("ID"), Enabled: n.Text("Status") == "Enabled",
		Bucket: d.Text("Bucket"), Account: d.Text("Account"), Class: d.Text("StorageClass"),
		KMS:    n.Text("SourceSelectionCriteria", "SseKmsEncryptedObjects", "Status") == "Enabled",
		KMSKey: d.Text("EncryptionConfiguration", "ReplicaKmsKeyID"),
	}
	if err := checkDestination(d); err != nil {
		return out, err
	}
	if strings.ContainsFunc(out.ID, func(c rune) bool { return c > unicode.MaxASCII }) {
		return out, s3err.Argument("ID", out.ID, "Rule ID must not contain non-ASCII characters")
	}
	switch { // in the words of Amazon, as Terraform's users report them
	case d.Child("EncryptionConfiguration") != nil && n.Child("SourceSelectionCriteria", "SseKmsEncryptedObjects") == nil:
		return out, s3err.Newf(s3err.InvalidRequest, "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.")
	case out.KMS && out.KMSKey == "":
		return out, s3err.Newf(s3err.InvalidRequest, "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.")
	}
	if c := n.Child("Prefix"); c != nil {
		out.Prefix = &c.Value
	}
	if n.Child("Priority") != nil {
		p := n.Int("Priority")
		out.Priority = &p
	}
	if c := n.Child("DeleteMarkerReplication"); c != nil {
		markers := c.Text("Status") == "Enabled"
		out.Markers = &markers
	}
	f := n.Child("Filter")
	if f == nil {
		return out, nil
	}
	out.Filter = &object.LifecycleFilter{}
	in := f
	if and := f.Child("And"); and != nil {
		if len(f.Children) > 1 {
			return out, s3err.New(s3err.MalformedXML)
		}
		in, out.Filter.And = and, true
	}
	if c := in.Child("Prefix"); c != nil {
		out.Filter.Prefix = &c.Value
	}
	for _, t := range in.All("Tag") {
		out.Filter.Tags = append(out.Filter.Tags, object.Tag{Key: t.Text("Key"), Value: t.Text("Value")})
	}
	return out, nil
}
