package ec2api

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
)

// writtenSize bounds what is kept of written instances: some 5,000 of 4.2 KiB.
const writtenSize = 24 << 20

// written keeps instances as they were last written into an answer: of thousands that are described again and again few have
// changed, and to make the form of one takes ten times as long as to copy it.
//
// It cannot be out of date. What an answer says of an instance is made of records that are replaced when they change, never
// altered: that all are the same as before is looked at each time.
type written struct {
	mu    sync.Mutex
	byID  map[string]*writtenInstance
	bytes int
	since time.Time // when those that nobody had asked for were let go
}

type writtenInstance struct {
	from  instanceRecords
	xml   []byte
	asked bool // since then
}

// writtenAge is how long an instance is kept that nobody asks for, twice that at most.
const writtenAge = 5 * time.Minute

// instanceRecords is all that an answer's form of an instance is made of, beside what never changes: the names of groups,
// zones and domains.
type instanceRecords struct {
	core   *compute.Instance
	tagged tags.Set
	cards  []*network.Interface
	subnet *network.Subnet // of the first card
	vpc    *network.VPC
}

func (i *instanceShown) records() instanceRecords {
	r := instanceRecords{core: i.core, tagged: i.tagged, cards: i.cards()}
	if e := i.card(); e != nil {
		r.subnet, r.vpc = i.srv.network.Subnet(e.Subnet), i.srv.network.VPC(e.VPC)
	}
	return r
}

func (r *instanceRecords) same(o *instanceRecords) bool {
	return r.core == o.core && r.subnet == o.subnet && r.vpc == o.vpc && slices.Equal(r.cards, o.cards) && slices.Equal(r.tagged, o.tagged)
}

// write writes an instance.
func (k *written) write(w *ec2xml.Writer, i *instanceShown) {
	from := i.records() // before the form is made: what changes meanwhile makes it another one
	k.mu.Lock()
	k.age(time.Now())
	old := k.byID[i.core.ID]
	same := old != nil && old.from.same(&from)
	if same {
		old.asked = true
	}
	k.mu.Unlock()
	if same {
		w.Raw(old.xml)
		return
	}
	begin := w.Len()
	i.form().EncodeXML(w)
	i.made = nil
	k.keep(&writtenInstance{from: from, xml: bytes.Clone(w.Bytes()[begin:]), asked: true})
}

// age lets instances go that nobody asked for of late: most are no more. k.mu is held.
func (k *written) age(now time.Time) {
	if now.Sub(k.since) < writtenAge {
		return
	}
	k.since = now
	for id, i := range k.byID {
		if !i.asked {
			delete(k.byID, id)
			k.bytes -= len(i.xml)
		}
		i.asked = false
	}
}

// keep has others go, whichever, when there is no room: a listing of all comes by each of them as often as by any other.
func (k *written) keep(n *writtenInstance) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID = map[string]*writtenInstance{}
	}
	id := n.from.core.ID
	if old := k.byID[id]; old != nil {
		k.bytes -= len(old.xml)
	}
	k.byID[id] = n
	k.bytes += len(n.xml)
	for other, o := range k.byID {
		if k.bytes <= writtenSize {
			break
		}
		if other != id {
			delete(k.byID, other)
			k.bytes -= len(o.xml)
		}
	}
}
