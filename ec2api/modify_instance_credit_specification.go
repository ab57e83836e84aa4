package ec2api

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// modifyInstanceCreditSpecification changes how burstable instances pay for CPU time. What is wrong with one instance is
// said of that one in the answer, and the others are changed, as in EC2.
func (s *Server) modifyInstanceCreditSpecification(ctx context.Context, c *Call, in *model.ModifyInstanceCreditSpecificationRequest) (*model.ModifyInstanceCreditSpecificationResult, error) {
	if len(in.InstanceCreditSpecifications) == 0 {
		return nil, ec2err.Missing("InstanceCreditSpecification")
	}
	seen := map[string]bool{}
	for i := range in.InstanceCreditSpecifications {
		switch spec := &in.InstanceCreditSpecifications[i]; {
		case spec.InstanceId == nil:
			return nil, ec2err.Missing("InstanceCreditSpecification.InstanceId")
		case spec.CpuCredits == nil:
			return nil, ec2err.Missing("InstanceCreditSpecification.CpuCredits")
		case *spec.CpuCredits != "standard" && *spec.CpuCredits != "unlimited":
			return nil, ec2err.New("InvalidCpuCredits", "The CPU credits '%s' are invalid. Valid values are standard and unlimited.", ec2err.Clip(*spec.CpuCredits))
		case seen[*spec.InstanceId]:
			return nil, ec2err.New("InvalidInstanceCreditSpecification.DuplicateInstanceId", "The instance ID '%s' is given twice.", ec2err.Clip(*spec.InstanceId))
		default:
			seen[*spec.InstanceId] = true
		}
	}
	out := &model.ModifyInstanceCreditSpecificationResult{
		SuccessfulInstanceCreditSpecifications:   []model.SuccessfulInstanceCreditSpecificationItem{},
		UnsuccessfulInstanceCreditSpecifications: []model.UnsuccessfulInstanceCreditSpecificationItem{},
	}
	for i := range in.InstanceCreditSpecifications {
		spec := &in.InstanceCreditSpecifications[i]
		err := checkIDs(ids.Instance, *spec.InstanceId)
		if err == nil {
			_, err = s.cfg.Compute.Modify(ctx, c.Account(), *spec.InstanceId, compute.InstanceChange{CPUCredits: spec.CpuCredits})
		}
		if err == nil {
			out.SuccessfulInstanceCreditSpecifications = append(out.SuccessfulInstanceCreditSpecifications,
				model.SuccessfulInstanceCreditSpecificationItem{InstanceId: spec.InstanceId})
			continue
		}
		if !ofOneInstance(err) {
			return nil, err
		}
		e := ec2err.From(err)
		out.UnsuccessfulInstanceCreditSpecifications = append(out.UnsuccessfulInstanceCreditSpecifications,
			model.UnsuccessfulInstanceCreditSpecificationItem{InstanceId: spec.InstanceId,
				Error: &model.UnsuccessfulInstanceCreditSpecificationItemError{Code: new(e.Code), Message: new(e.Message)}})
	}
	return out, nil
}

// ofOneInstance tells the failures that EC2's answer has a place for from those of the whole request.
func ofOneInstance(err error) bool {
	var own *ec2err.Error
	if errors.As(err, &own) {
		return own.Code == "InvalidInstanceID.Malformed"
	}
	switch errs.ReasonOf(err) {
	case compute.InstanceNotFound, compute.IncorrectState, compute.CreditsUnsupported:
		return true
	}
	return false
}
