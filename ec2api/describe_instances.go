package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeInstances lists instances, gathered by the reservation that made them.
func (s *Server) describeInstances(ctx context.Context, c *Call, in *model.DescribeInstancesRequest) (*reservations, error) {
	page, next, err := listing[instanceShown]{
		source: s.instanceSource(ctx, c), id: func(i *instanceShown) string { return i.core.ID }, kind: ids.Instance, asked: in.InstanceIds,
		filters: instanceFilters, exclusive: "instancesSet",
	}.answer(c)
	if err != nil {
		return nil, err
	}
	out := &reservations{next: next, instances: len(page), written: &s.written}
	at := map[string]int{} // reservation -> its place
	for n := range page {
		i := &page[n]
		place, ok := at[i.core.Reservation]
		if !ok {
			place = len(out.list)
			at[i.core.Reservation] = place
			out.list = append(out.list, nil)
		}
		out.list[place] = append(out.list[place], i)
	}
	return out, nil
}

// reservations are what [model.DescribeInstancesResult] is, but each instance is made when it is written: of thousands only one
// is in memory in the answer's form, which is much larger than what it is made of.
type reservations struct {
	list      [][]*instanceShown
	instances int // of all
	next      *string
	written   *written
}

// EncodeXML writes the members of the result.
func (r *reservations) EncodeXML(w *ec2xml.Writer) {
	if len(r.list) == 0 {
		w.Empty("reservationSet")
	} else {
		first := true
		w.Open("reservationSet")
		for _, instances := range r.list {
			w.Open("item")
			w.Empty("groupSet")
			w.Open("instancesSet")
			for _, i := range instances {
				begin := w.Len()
				w.Open("item")
				r.written.write(w, i)
				w.Close("item")
				if first {
					w.Grow((w.Len() - begin) * r.instances * 9 / 8) // the others are about as long
					first = false
				}
			}
			w.Close("instancesSet")
			w.Text("ownerId", instances[0].core.Account)
			w.Text("reservationId", instances[0].core.Reservation)
			w.Close("item")
		}
		w.Close("reservationSet")
	}
	w.Str("nextToken", r.next)
}

// instanceSource hands out the account's instances.
func (s *Server) instanceSource(ctx context.Context, c *Call) *source[instanceShown] {
	show := func(yield func(instanceShown) bool) func(*compute.Instance, tags.Set) bool {
		return func(i *compute.Instance, tagged tags.Set) bool {
			return yield(instanceShown{srv: s, core: i, tagged: tagged})
		}
	}
	one := func(id string) []string { return []string{id} }
	ofGroup := func(id string) []string { return s.network.Holders(s.network.InterfaceIDs(network.InGroup, id)...) }
	return &source[instanceShown]{
		walk: func(after string, yield func(instanceShown) bool) error {
			return s.cfg.Compute.Each(ctx, c.Account(), after, show(yield))
		},
		find: func(ids []string, yield func(instanceShown) bool) error {
			return s.cfg.Compute.EachOf(ctx, c.Account(), ids, show(yield))
		},
		candidates: map[string]func(string) []string{
			"instance-id": one, "instance.group-id": ofGroup, "network-interface.group-id": ofGroup,
			"network-interface.network-interface-id": func(id string) []string { return s.network.Holders(id) },
		},
	}
}

// instances returns the account's instances, or only those of some ids.
func (s *Server) instances(ctx context.Context, c *Call, wanted []string) ([]*compute.Instance, error) {
	if len(wanted) == 0 {
		return s.cfg.Compute.Instances(ctx, c.Account())
	}
	found, err := listing[instanceShown]{
		source: s.instanceSource(ctx, c), id: func(i *instanceShown) string { return i.core.ID }, kind: ids.Instance, asked: wanted,
	}.named()
	all := make([]*compute.Instance, len(found))
	for n := range found {
		all[n] = found[n].core
	}
	return all, err
}
