package repair

import "sync/atomic"

// Counters tell what was done since the start. They only grow, but for Misplaced, PassVersion and Lost.
type Counters struct {
	ReplicatePasses  atomic.Int64
	ReplicatedBlobs  atomic.Int64 // copies made
	ReplicatedBytes  atomic.Int64
	RemovedCopies    atomic.Int64  // copies given up because all primaries have theirs
	ReplicateFailed  atomic.Int64  // copies that could not be made
	Misplaced        atomic.Int64  // copies missing or lying elsewhere at the end of the last pass
	PassVersion      atomic.Uint64 // of the ring that the last pass began with: Misplaced says nothing of a younger one
	AuditPasses      atomic.Int64
	AuditedBlobs     atomic.Int64
	AuditedBytes     atomic.Int64
	DamageReports    atomic.Int64 // from reads and writes
	DamageDropped    atomic.Int64 // reports beyond the queue; the passes find them
	Corrupt          atomic.Int64 // damaged copies found
	Quarantined      atomic.Int64
	Repaired         atomic.Int64 // damaged copies replaced by good ones
	Unrepairable     atomic.Int64 // damaged copies with no good one to take from
	Lost             atomic.Int64 // those that the last full audit met
	CollectedEntries atomic.Int64
	CollectedBlobs   atomic.Int64
	CollectPostponed atomic.Int64 // entries that waited for a pin or a device
	OrphansChecked   atomic.Int64
	OrphansRemoved   atomic.Int64
	CompactRuns      atomic.Int64
	CompactReclaimed atomic.Int64
	Errors           atomic.Int64 // rounds that ended with an error
}
