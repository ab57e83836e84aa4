package object

import "time"

// LifecycleAct is what a lifecycle rule did in a bucket that logs.
type LifecycleAct struct {
	What      LifecycleKind
	At        time.Time
	Bucket    string
	Key       string
	VersionID string // that ended, moved or is the new delete marker; "" in buckets that never had versions
	Size      int64
	Class     string // that a version was moved to
}

// LifecycleKind is what a rule does.
type LifecycleKind uint8

// What rules do.
const (
	LifecycleExpired LifecycleKind = iota // a version or a delete marker ended
	LifecycleMarked                       // a delete marker was made
	LifecycleMoved                        // a version has another storage class
	LifecycleAborted                      // an upload was given up
)

// TellLifecycle has f told of everything that lifecycle rules do in buckets that log, once it is committed. f must not wait. What a crash
// catches between the two is not told.
func (s *Service) TellLifecycle(f func(LifecycleAct)) { s.life.told.Store(&f) }

func (w *lifecycleWorker) tell(acts ...LifecycleAct) {
	f := w.told.Load()
	if f == nil {
		return
	}
	for i := range acts {
		(*f)(acts[i])
	}
}

// note keeps what the transaction does to r if a rule of the bucket does it.
func (tx *keyTx) note(e event, r *record) {
	a := LifecycleAct{At: tx.now, Bucket: tx.b.Name, Key: tx.key, VersionID: r.versionID(tx.b.Versioning), Size: r.size}
	switch e {
	case eventExpired:
	case eventExpiredMarker:
		a.What = LifecycleMarked
	case eventTransition:
		a.What, a.Class = LifecycleMoved, storageClassName(r.class)
	default:
		return
	}
	tx.acts = append(tx.acts, a)
}
