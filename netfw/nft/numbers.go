package nft

import (
	"encoding/binary"
	"hash/fnv"
)

// numbers are those that stand for groups in maps and marks: by the group's id, in the form that the kernel compares. They are
// found again in the kernel after a restart, by the comments of the elements that lead from them to the groups' chains.
type numbers struct {
	byID map[string]string
	ids  map[string]string // number -> id
}

func newNumbers() numbers { return numbers{map[string]string{}, map[string]string{}} }

func (n numbers) set(id, number string) {
	n.byID[id], n.ids[number] = number, id
}

// of returns the number of a group, and chooses one if it has none: a sum of its id, or the next that is free.
func (n numbers) of(id string) string {
	if number, ok := n.byID[id]; ok {
		return number
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	for sum := h.Sum32(); ; sum++ {
		number := string(binary.NativeEndian.AppendUint32(nil, sum))
		if _, taken := n.ids[number]; !taken && sum != 0 {
			n.set(id, number)
			return number
		}
	}
}

// drop frees the number of a group that is gone.
func (n numbers) drop(id string) {
	delete(n.ids, n.byID[id])
	delete(n.byID, id)
}
