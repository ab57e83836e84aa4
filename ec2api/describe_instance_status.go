package ec2api

import (
	"context"
	"strconv"
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

type statusShown struct {
	model.InstanceStatus
	core *compute.Instance
}

func (s *statusShown) reachability(of *model.InstanceStatusSummary) []string {
	var all []string
	for i := range of.Details {
		all = append(all, model.Val(of.Details[i].Status))
	}
	return all
}

var statusFilters = filter.Set[statusShown]{Fields: map[string]func(*statusShown) []string{
	"attached-ebs-status.status": func(s *statusShown) []string { return []string{model.Val(s.AttachedEbsStatus.Status)} },
	"availability-zone-id":       func(s *statusShown) []string { return word(s.AvailabilityZoneId) },
	"event.code":                 nil, "event.description": nil, "event.instance-event-id": nil,
	"event.not-after": nil, "event.not-before": nil, "event.not-before-deadline": nil, "operator.principal": nil,
	"operator.managed":             constant[statusShown]("false"),
	"availability-zone":            func(s *statusShown) []string { return []string{s.core.Zone} },
	"instance-state-code":          func(s *statusShown) []string { return []string{strconv.Itoa(int(s.core.State))} },
	"instance-state-name":          func(s *statusShown) []string { return []string{s.core.State.String()} },
	"instance-status.reachability": func(s *statusShown) []string { return s.reachability(s.InstanceStatus.InstanceStatus) },
	"instance-status.status":       func(s *statusShown) []string { return []string{model.Val(s.InstanceStatus.InstanceStatus.Status)} },
	"system-status.reachability":   func(s *statusShown) []string { return s.reachability(s.SystemStatus) },
	"system-status.status":         func(s *statusShown) []string { return []string{model.Val(s.SystemStatus.Status)} },
}}

// initializing is how long the checks of an instance that was started take. Nobody looks inside the guest: an instance
// whose machine runs is taken for reachable after a moment in which guests boot.
const initializing = 5 * time.Second

// describeInstanceStatus tells how instances that run are; others only when asked for.
func (s *Server) describeInstanceStatus(ctx context.Context, c *Call, in *model.DescribeInstanceStatusRequest) (*model.DescribeInstanceStatusResult, error) {
	status := func(yield func(statusShown) bool) func(instanceShown) bool {
		return func(i instanceShown) bool { return yield(s.showStatus(i.core, c.Time)) }
	}
	instances := s.instanceSource(ctx, c)
	l := listing[statusShown]{
		source: &source[statusShown]{
			walk: func(after string, yield func(statusShown) bool) error { return instances.walk(after, status(yield)) },
			find: func(ids []string, yield func(statusShown) bool) error { return instances.find(ids, status(yield)) },
		},
		id: func(i *statusShown) string { return i.core.ID }, kind: ids.Instance, asked: in.InstanceIds,
		filters: statusFilters, exclusive: "instancesSet",
	}
	if !model.Val(in.IncludeAllInstances) {
		l.hidden = func(i *statusShown) bool { return i.core.State != compute.Running }
	}
	page, next, err := l.answer(c)
	if err != nil {
		return nil, err
	}
	out := &model.DescribeInstanceStatusResult{InstanceStatuses: []model.InstanceStatus{}, NextToken: next}
	for n := range page {
		if c.Version != "" && c.Version < defaultVersion { // its clients may take the elements within for the instance's own: boto does
			page[n].AttachedEbsStatus = nil
		}
		out.InstanceStatuses = append(out.InstanceStatuses, page[n].InstanceStatus)
	}
	return out, nil
}

func (s *Server) showStatus(i *compute.Instance, now time.Time) statusShown {
	summary, detail := "not-applicable", ""
	if i.State == compute.Running {
		summary, detail = "ok", "passed"
		if now.Sub(compute.Time(i.Changed)) < initializing {
			summary, detail = "initializing", "initializing"
		}
	}
	check := func() *model.InstanceStatusSummary {
		out := &model.InstanceStatusSummary{Status: new(summary)}
		if detail != "" {
			out.Details = []model.InstanceStatusDetails{{Name: new("reachability"), Status: new(detail)}}
		}
		return out
	}
	disks := &model.EbsStatusSummary{Status: new(summary)}
	if detail != "" {
		disks.Details = []model.EbsStatusDetails{{Name: new("reachability"), Status: new(detail)}}
	}
	return statusShown{core: i, InstanceStatus: model.InstanceStatus{
		AvailabilityZone: new(i.Zone), AvailabilityZoneId: new(s.network.ZoneID(i.Zone)), AttachedEbsStatus: disks, InstanceId: new(i.ID), InstanceState: showState(i.State), InstanceStatus: check(), SystemStatus: check(),
	}}
}
