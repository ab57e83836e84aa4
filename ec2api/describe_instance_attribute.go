package ec2api

import (
	"context"
	"encoding/base64"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeInstanceAttribute tells one attribute of an instance.
func (s *Server) describeInstanceAttribute(ctx context.Context, c *Call, in *model.DescribeInstanceAttributeRequest) (*model.InstanceAttribute, error) {
	id := model.Val(in.InstanceId)
	if err := checkIDs(ids.Instance, id); err != nil {
		return nil, err
	}
	i, err := s.cfg.Compute.Instance(ctx, c.Account(), id)
	if err != nil {
		return nil, err
	}
	out := &model.InstanceAttribute{InstanceId: new(id)}
	text := func(v string) *model.AttributeValue { return &model.AttributeValue{Value: orNil(v)} }
	yes := func(v bool) *model.AttributeBooleanValue { return &model.AttributeBooleanValue{Value: new(v)} }
	switch a := model.Val(in.Attribute); a {
	case "instanceType":
		out.InstanceType = text(i.Type)
	case "kernel":
		out.KernelId = text("")
	case "ramdisk":
		out.RamdiskId = text("")
	case "userData":
		out.UserData = text(base64.StdEncoding.EncodeToString(i.UserData))
	case "disableApiTermination":
		out.DisableApiTermination = yes(i.NoTerminate)
	case "disableApiStop":
		out.DisableApiStop = yes(i.NoStop)
	case "instanceInitiatedShutdownBehavior":
		out.InstanceInitiatedShutdownBehavior = text(i.ShutdownBehavior)
	case "rootDeviceName":
		out.RootDeviceName = text(i.RootName)
	case "blockDeviceMapping":
		out.BlockDeviceMappings = showDisks(i)
	case "productCodes":
		out.ProductCodes = []model.ProductCode{}
	case "sourceDestCheck":
		out.SourceDestCheck = yes(true)
		for _, e := range s.cfg.Network.InterfacesOf(id) {
			out.SourceDestCheck = yes(e.SourceDestCheck)
			break
		}
	case "groupSet":
		out.Groups = s.showInstance(i, nil).SecurityGroups
	case "ebsOptimized":
		out.EbsOptimized = yes(i.EBSOptimized)
	case "sriovNetSupport":
		out.SriovNetSupport = text("")
	case "enaSupport":
		out.EnaSupport = yes(true)
	case "enclaveOptions":
		out.EnclaveOptions = &model.EnclaveOptions{Enabled: new(false)}
	default:
		return nil, ec2err.Value("attribute", a)
	}
	return out, nil
}
