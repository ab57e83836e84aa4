package compute

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
)

// The rules that can fail. They are EC2's codes, which its front end shows as they are.
const (
	InstanceNotFound      errs.Reason = "InvalidInstanceID.NotFound"
	VolumeNotFound        errs.Reason = "InvalidVolume.NotFound"
	VolumeInUse           errs.Reason = "VolumeInUse"
	VolumeLimit           errs.Reason = "VolumeLimitExceeded"
	AttachmentLimit       errs.Reason = "AttachmentLimitExceeded"
	InvalidAttribute      errs.Reason = "InvalidInstanceAttributeValue"
	ImageNotFound         errs.Reason = "InvalidAMIID.NotFound"
	ImageUnavailable      errs.Reason = "InvalidAMIID.Unavailable"
	ImageNameDuplicate    errs.Reason = "InvalidAMIName.Duplicate"
	ImageNameMalformed    errs.Reason = "InvalidAMIName.Malformed"
	ImportNotFound        errs.Reason = "InvalidConversionTaskId.Malformed"
	IncorrectState        errs.Reason = "IncorrectInstanceState"
	OperationNotPermitted errs.Reason = "OperationNotPermitted"
	InstanceLimit         errs.Reason = "InstanceLimitExceeded"
	VCPULimit             errs.Reason = "VcpuLimitExceeded"
	NoCapacity            errs.Reason = "InsufficientInstanceCapacity"
	UserDataMalformed     errs.Reason = "InvalidUserData.Malformed"
	Unavailable           errs.Reason = "Unavailable"
	Unsupported           errs.Reason = "UnsupportedOperation"
	UnsupportedType       errs.Reason = "Unsupported"
	InvalidValue          errs.Reason = "InvalidParameterValue"
	InvalidCombination    errs.Reason = "InvalidParameterCombination"
	InvalidDeviceMapping  errs.Reason = "InvalidBlockDeviceMapping"
	MissingParameter      errs.Reason = "MissingParameter"
	CreditsUnsupported    errs.Reason = "InstanceCreditSpecification.NotSupported"
	InvalidCredits        errs.Reason = "InvalidCpuCredits"
	InvalidState          errs.Reason = "InvalidState"
	TokenOfTerminated     errs.Reason = "IdempotentInstanceTerminated"
	RequestLimit          errs.Reason = "ResourceCountExceeded" // of one request, not of the account
)

func notFound(ids ...string) error {
	if len(ids) == 1 {
		return errs.New(errs.NotFound, InstanceNotFound, "The instance ID '%s' does not exist", ids[0]).On(ids[0])
	}
	return errs.New(errs.NotFound, InstanceNotFound, "The instance IDs '%s' do not exist", strings.Join(ids, ", ")).On(ids[0])
}

func imageNotFound(id string) error {
	return errs.New(errs.NotFound, ImageNotFound, "The image id '[%s]' does not exist", id).On(id)
}

// incorrectState says that a state forbids a move. Terraform matches the first words.
func incorrectState(i *Instance, verb string) error {
	return errs.New(errs.Conflict, IncorrectState,
		"The instance '%s' is not in a state from which it can be %s.", i.ID, verb).On(i.ID)
}

func invalidValue(msg string, args ...any) error {
	return errs.New(errs.Invalid, InvalidValue, msg, args...)
}

func invalidCombination(msg string, args ...any) error {
	return errs.New(errs.Invalid, InvalidCombination, msg, args...)
}

func unsupported(msg string, args ...any) error {
	return errs.New(errs.NotImplemented, Unsupported, msg, args...)
}
