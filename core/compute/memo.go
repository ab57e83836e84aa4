package compute

import (
	"sync"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// memo keeps decoded records by the revision of their rows, so that a listing does not decode again what has not changed. It is
// always right: which rows there are and of what revision is told by the view that is read, never by the memo. What it hands
// out is shared and must not be changed.
type memo[T any] struct {
	mu         sync.Mutex
	young, old map[string]memoed[T]
}

type memoed[T any] struct {
	rev kv.Index
	v   T
}

// memoSize is how many records a memo holds before it forgets those that were not asked for of late.
const memoSize = 16384

func (m *memo[T]) get(key []byte, rev kv.Index) (v T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.young[string(key)]
	if !ok {
		if e, ok = m.old[string(key)]; ok && e.rev == rev {
			m.put(string(key), e)
		}
	}
	return e.v, ok && e.rev == rev
}

func (m *memo[T]) set(key []byte, rev kv.Index, v T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(string(key), memoed[T]{rev, v})
}

// drop forgets the record of a row that is gone: nobody asks for it any more.
func (m *memo[T]) drop(key []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.young, string(key))
	delete(m.old, string(key))
}

func (m *memo[T]) put(key string, e memoed[T]) {
	if len(m.young) >= memoSize || m.young == nil {
		m.young, m.old = make(map[string]memoed[T]), m.young
	}
	m.young[key] = e
}
