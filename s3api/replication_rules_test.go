package s3api_test

import (
	"strings"
	"testing"
)

// TestReplicationDestinations: the errors that the API reference lists for destinations and ids of replication rules.
func TestReplicationDestinations(t *testing.T) {
	f := start(t)
	f.versioned("src")
	f.versioned("dst")
	const (
		time15    = "<ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time></ReplicationTime>"
		metrics15 = "<Metrics><Status>Enabled</Status><EventThreshold><Minutes>15</Minutes></EventThreshold></Metrics>"
		to        = "<AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation>"
	)
	for _, c := range []struct{ id, more, code string }{
		{"rule", "", ""},
		{"rule", time15 + metrics15, ""},
		{"rule", "<Metrics><Status>Enabled</Status></Metrics>", ""},
		{"rule", "<Account>" + testAccount + "</Account>" + to, ""},
		{"rule", strings.Replace(time15, "15", "14", 1) + metrics15, "InvalidArgument"},
		{"rule", time15 + strings.Replace(metrics15, "15", "60", 1), "InvalidArgument"},
		{"rule", time15 + "<Metrics><Status>Enabled</Status><EventThreshold/></Metrics>", "InvalidArgument"},
		{"rule", time15, "InvalidRequest"},
		{"rule", time15 + strings.Replace(metrics15, "Enabled", "Disabled", 1), "InvalidRequest"},
		{"rule", to, "InvalidRequest"},
		{"rule", "<Account></Account>", "InvalidArgument"},
		{"rule", "<Account>999999999999</Account>", "InvalidArgument"},
		{"régle", "", "InvalidArgument"},
	} {
		body := "<ReplicationConfiguration><Role>arn:aws:iam::123456789012:role/r</Role><Rule><ID>" + c.id + "</ID><Status>Enabled</Status><Priority>1</Priority><Filter/>" +
			"<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication><Destination><Bucket>arn:aws:s3:::dst</Bucket>" + c.more + "</Destination></Rule></ReplicationConfiguration>"
		if a := f.do("PUT", "/src?replication", body, md5Header(body)); a.code() != c.code || (a.status == 200) != (c.code == "") {
			t.Errorf("%+v: %d %s", c, a.status, a.body)
		}
	}
}
