package object

import (
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/iam"
)

// event is something that happens to an object and that others may want to know.
type event uint8

// The events. Their numbers are stored.
const (
	eventNone event = iota
	eventPut
	eventPost
	eventCopy
	eventComplete
	eventDelete
	eventMarker
	eventRestore
	eventRestored
	eventTagged
	eventUntagged
	eventACL
	eventExpired
	eventExpiredMarker
	eventTransition
	eventReplicationFailed

	eventsEnd
)

// eventNames are those of S3, without "s3:" in front.
var eventNames = [eventsEnd]string{
	eventPut: "ObjectCreated:Put", eventPost: "ObjectCreated:Post", eventCopy: "ObjectCreated:Copy",
	eventComplete: "ObjectCreated:CompleteMultipartUpload",
	eventDelete:   "ObjectRemoved:Delete", eventMarker: "ObjectRemoved:DeleteMarkerCreated",
	eventRestore: "ObjectRestore:Post", eventRestored: "ObjectRestore:Completed",
	eventTagged: "ObjectTagging:Put", eventUntagged: "ObjectTagging:Delete", eventACL: "ObjectAcl:Put",
	eventExpired: "LifecycleExpiration:Delete", eventExpiredMarker: "LifecycleExpiration:DeleteMarkerCreated",
	eventTransition: "LifecycleTransition", eventReplicationFailed: "Replication:OperationFailedReplication",
}

// otherEvents are names that S3 knows and that never happen here.
var otherEvents = []string{"s3:ReducedRedundancyLostObject", "s3:IntelligentTiering", "s3:ObjectRestore:Delete",
	"s3:Replication:OperationNotTracked", "s3:Replication:OperationMissedThreshold", "s3:Replication:OperationReplicatedAfterThreshold"}

// eventSet is a set of events.
type eventSet uint32

func (s eventSet) has(e event) bool { return s&(1<<e) != 0 }

// parseEvent reads the name of an event or, with a star at its end, of all of a group.
func parseEvent(name string) (eventSet, bool) {
	short, ok := strings.CutPrefix(name, "s3:")
	if !ok {
		return 0, false
	}
	group, all := strings.CutSuffix(short, ":*")
	var set eventSet
	for e, n := range eventNames {
		if n != "" && (n == short || all && strings.HasPrefix(n, group+":")) {
			set |= 1 << e
		}
	}
	return set, set != 0 || slices.Contains(otherEvents, name)
}

// cause is why a transaction changes a version: what happened, and who did it; nobody for what the store does itself.
type cause struct {
	event event
	who   *iam.Principal
}

// Origin tells where a request came from and what it is called. The Facts of a principal may have it.
type Origin interface {
	Origin() (address, request, host string)
}

// emit tells those who asked about what the transaction does to r.
func (tx *keyTx) emit(c cause, r *record) {
	if tx.b.settings.logging != nil {
		tx.note(c.event, r)
	}
	if c.event == eventNone || tx.b.settings.notify == nil {
		return
	}
	var row *outboxRecord
	for i := range tx.b.settings.notify.Targets {
		t := &tx.b.settings.notify.Targets[i]
		if !t.events.has(c.event) || !t.covers(tx.key) {
			continue
		}
		if row == nil {
			row = tx.outboxRow(c, r)
		}
		tx.post(queueNotify+t.ID, row)
	}
}

// outboxRow describes what happened to r. Its instance orders what happens to the key, which the one of r does not: a deletion
// comes after the version that it removes, and a write may have begun before a deletion that it follows.
func (tx *keyTx) outboxRow(c cause, r *record) *outboxRecord {
	order := newInstance(tx.s.now(), r.instance)
	row := &outboxRecord{
		Event: uint8(c.event), Key: tx.key, Instance: order[:], Size: r.size, ETag: r.etag(), Time: tx.now.UnixMilli(),
		Class: r.class, Until: r.detail.RestoreUntil,
	}
	// An event names the version that it is about, but not null versions.
	if tx.b.Versioning != VersioningOff && !r.is(flagNull) {
		row.VersionID = r.instance.String()
	}
	if c.who == nil {
		return row
	}
	row.Principal = c.who.UserID
	if o, ok := c.who.Facts.(Origin); ok {
		row.Address, row.Request, row.Host = o.Origin()
	}
	return row
}
