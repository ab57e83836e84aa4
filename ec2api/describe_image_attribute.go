package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeImageAttribute tells one attribute of an image.
func (s *Server) describeImageAttribute(ctx context.Context, c *Call, in *model.DescribeImageAttributeRequest) (*model.ImageAttribute, error) {
	id := model.Val(in.ImageId)
	if err := checkIDs(ids.Image, id); err != nil {
		return nil, err
	}
	img, err := s.cfg.Compute.Image(ctx, c.Account(), id)
	if err != nil {
		return nil, err
	}
	if img.Account != c.Account() {
		return nil, ec2err.New("AuthFailure", "Not authorized for image:%s", id)
	}
	out := &model.ImageAttribute{ImageId: new(id)}
	text := func(v string) *model.AttributeValue { return &model.AttributeValue{Value: orNil(v)} }
	switch a := model.Val(in.Attribute); a {
	case "description":
		out.Description = text(img.Description)
	case "launchPermission":
		out.LaunchPermissions = []model.LaunchPermission{}
		if img.Public {
			out.LaunchPermissions = append(out.LaunchPermissions, model.LaunchPermission{Group: new("all")})
		}
		for _, account := range img.Shared {
			out.LaunchPermissions = append(out.LaunchPermissions, model.LaunchPermission{UserId: new(account)})
		}
	case "blockDeviceMapping":
		out.BlockDeviceMappings = showImageDisks(img)
	case "productCodes":
		out.ProductCodes = []model.ProductCode{}
	case "kernel":
		out.KernelId = text("")
	case "ramdisk":
		out.RamdiskId = text("")
	case "bootMode":
		out.BootMode = text(img.BootMode)
	case "imdsSupport":
		out.ImdsSupport = text(img.IMDS)
	case "sriovNetSupport":
		out.SriovNetSupport = text(model.Val(showImage(img, nil).SriovNetSupport))
	case "deregistrationProtection":
		out.DeregistrationProtection = text("disabled")
	case "tpmSupport": // which no image has
		out.TpmSupport = text("")
	case "uefiData":
		out.UefiData = text("")
	case "lastLaunchedTime":
		return nil, ec2err.Unsupported("The attribute %s of images is not built.", a)
	default:
		return nil, ec2err.Value("attribute", a)
	}
	return out, nil
}
