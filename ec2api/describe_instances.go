package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeInstances lists instances, gathered by the reservation that made them.
func (s *Server) describeInstances(ctx context.Context, c *Call, in *model.DescribeInstancesRequest) (*model.DescribeInstancesResult, error) {
	shown, err := s.instances(ctx, c, in.InstanceIds)
	if err != nil {
		return nil, err
	}
	page, next, err := listing[instanceShown]{
		items: shown, id: func(i *instanceShown) string { return i.core.ID }, kind: ids.Instance, asked: in.InstanceIds,
		filters: instanceFilters, exclusive: "instancesSet",
	}.answer(c)
	if err != nil {
		return nil, err
	}
	out := &model.DescribeInstancesResult{Reservations: []model.Reservation{}, NextToken: next}
	at := map[string]int{} // reservation -> its place
	for n := range page {
		i := &page[n]
		place, ok := at[i.core.Reservation]
		if !ok {
			place = len(out.Reservations)
			at[i.core.Reservation] = place
			out.Reservations = append(out.Reservations, model.Reservation{
				Groups: []model.GroupIdentifier{}, OwnerId: new(i.core.Account), ReservationId: new(i.core.Reservation),
			})
		}
		r := &out.Reservations[place]
		r.Instances = append(r.Instances, i.Instance)
	}
	return out, nil
}

// instances returns the account's instances, or only those of some ids, ready to be shown.
func (s *Server) instances(ctx context.Context, c *Call, wanted []string) ([]instanceShown, error) {
	if err := checkIDs(ids.Instance, wanted...); err != nil {
		return nil, err
	}
	var all []*compute.Instance
	var tagged map[string]tags.Set
	var err error
	if len(wanted) > 0 {
		all, tagged, err = s.cfg.Compute.InstancesByID(ctx, c.Account(), wanted)
	} else {
		all, tagged, err = s.cfg.Compute.Instances(ctx, c.Account())
	}
	if err != nil {
		return nil, err
	}
	shown := make([]instanceShown, len(all))
	for n, i := range all {
		shown[n] = s.showInstance(i, tagged[i.ID])
	}
	return shown, nil
}
