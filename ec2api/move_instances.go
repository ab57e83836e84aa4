package ec2api

import (
	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// someInstances checks the ids of an action that changes instances.
func someInstances(list []string) error {
	if len(list) == 0 {
		return ec2err.Missing("InstanceId")
	}
	return checkIDs(ids.Instance, list...)
}

// showMoves makes the answer's form of what happened to instances.
func showMoves(moves []compute.Move) []model.InstanceStateChange {
	out := make([]model.InstanceStateChange, len(moves))
	for n, m := range moves {
		out[n] = model.InstanceStateChange{InstanceId: new(m.ID), PreviousState: showState(m.Previous), CurrentState: showState(m.State)}
	}
	return out
}
