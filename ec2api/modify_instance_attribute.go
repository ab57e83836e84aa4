package ec2api

import (
	"context"
	"strings"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// modifyInstanceAttribute changes one attribute of an instance.
func (s *Server) modifyInstanceAttribute(ctx context.Context, c *Call, in *model.ModifyInstanceAttributeRequest) (*model.Done, error) {
	id := model.Val(in.InstanceId)
	if err := checkIDs(ids.Instance, id); err != nil {
		return nil, err
	}
	if err := nameAttribute(in); err != nil {
		return nil, err
	}
	var change compute.InstanceChange
	attributes := 0
	count := func(set bool) bool {
		if set {
			attributes++
		}
		return set
	}
	if count(in.InstanceType != nil) {
		change.Type = in.InstanceType.Value
	}
	if count(in.UserData != nil) {
		change.UserData = &in.UserData.Value
	}
	if count(in.InstanceInitiatedShutdownBehavior != nil) {
		change.ShutdownBehavior = in.InstanceInitiatedShutdownBehavior.Value
	}
	if count(in.DisableApiTermination != nil) {
		change.NoTerminate = in.DisableApiTermination.Value
	}
	if count(in.DisableApiStop != nil) {
		change.NoStop = in.DisableApiStop.Value
	}
	if count(in.EbsOptimized != nil) {
		change.EBSOptimized = in.EbsOptimized.Value
	}
	count(in.EnaSupport != nil)
	count(in.SourceDestCheck != nil)
	count(len(in.Groups) > 0)
	if count(len(in.BlockDeviceMappings) > 0) {
		var err error
		if change.Disks, err = mappings(in.BlockDeviceMappings); err != nil {
			return nil, err
		}
	}
	switch {
	case in.Kernel != nil, in.Ramdisk != nil, in.SriovNetSupport != nil:
		return nil, ec2err.Unsupported("Kernel, ramdisk and sriovNetSupport of an instance cannot be changed.")
	case attributes == 0:
		return nil, ec2err.New(ec2err.InvalidParameterCombination, "No attributes specified.")
	case attributes > 1:
		return nil, ec2err.New(ec2err.InvalidParameterCombination, "Fields for multiple attribute types specified.")
	case in.EnaSupport != nil && !model.Val(in.EnaSupport.Value):
		return nil, ec2err.Unsupported("enaSupport cannot be turned off.")
	case in.SourceDestCheck != nil || len(in.Groups) > 0:
		return &model.Done{}, s.modifyPrimaryInterface(ctx, c, id, in)
	}
	_, err := s.cfg.Compute.Modify(ctx, c.Account(), id, change)
	return &model.Done{}, err
}

// nameAttribute understands the form with the attribute's name and its value apart.
func nameAttribute(in *model.ModifyInstanceAttributeRequest) error {
	if in.Attribute == nil || in.Value == nil {
		return nil
	}
	value := *in.Value
	text := &model.AttributeValue{Value: &value}
	yes := &model.AttributeBooleanValue{Value: new(strings.EqualFold(value, "true"))}
	isBool := strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
	switch *in.Attribute {
	case "instanceType":
		in.InstanceType = text
		return nil
	case "instanceInitiatedShutdownBehavior":
		in.InstanceInitiatedShutdownBehavior = text
		return nil
	case "userData":
		data, err := decodeUserData(in.Value)
		in.UserData = &model.BlobAttributeValue{Value: data}
		return err
	case "disableApiTermination":
		in.DisableApiTermination = yes
	case "disableApiStop":
		in.DisableApiStop = yes
	case "ebsOptimized":
		in.EbsOptimized = yes
	case "sourceDestCheck":
		in.SourceDestCheck = yes
	case "enaSupport":
		in.EnaSupport = yes
	case "rootDeviceName", "productCodes", "kernel", "ramdisk", "sriovNetSupport", "enclaveOptions", "groupSet", "blockDeviceMapping":
		return ec2err.New("UnsupportedInstanceAttribute", "The attribute %s of an instance cannot be changed by its name and a value.", *in.Attribute)
	default:
		return ec2err.Value("attribute", *in.Attribute)
	}
	if !isBool {
		return ec2err.Value("value", value)
	}
	return nil
}

// mappings says which volumes are to go with their instance.
func mappings(maps []model.InstanceBlockDeviceMappingSpecification) (map[string]bool, error) {
	out := map[string]bool{}
	for n := range maps {
		m := &maps[n]
		switch {
		case model.Val(m.DeviceName) == "":
			return nil, ec2err.Missing("BlockDeviceMapping.DeviceName")
		case m.NoDevice != nil || m.VirtualName != nil:
			return nil, ec2err.Unsupported("Only DeleteOnTermination of a block device mapping can be changed.")
		case m.Ebs == nil || m.Ebs.DeleteOnTermination == nil:
			return nil, ec2err.Missing("BlockDeviceMapping.Ebs.DeleteOnTermination")
		}
		out[*m.DeviceName] = *m.Ebs.DeleteOnTermination
	}
	return out, nil
}
