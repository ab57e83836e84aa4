package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// registerImage makes an image of a disk image in S3, named as BUCKET/KEY by ImageLocation.
func (s *Server) registerImage(ctx context.Context, c *Call, in *model.RegisterImageRequest) (*model.RegisterImageResult, error) {
	switch {
	case in.Name == nil:
		return nil, ec2err.Missing("Name")
	case in.KernelId != nil || in.RamdiskId != nil:
		return nil, ec2err.Unsupported("Images with a kernel and RAM disk of their own are brought in by the command: aureole image import.")
	case in.VirtualizationType != nil && *in.VirtualizationType != "hvm":
		return nil, ec2err.Unsupported("The virtualization type %s is not built; hvm is.", ec2err.Clip(*in.VirtualizationType))
	case in.TpmSupport != nil || in.UefiData != nil:
		return nil, ec2err.Unsupported("TPM and UEFI data of images are not built.")
	case len(in.BillingProducts) > 0:
		return nil, ec2err.Unsupported("Billing products are not built.")
	case in.SriovNetSupport != nil && *in.SriovNetSupport != "simple":
		return nil, ec2err.Value("sriovNetSupport", *in.SriovNetSupport)
	}
	sp := compute.ImageSpec{
		Name: *in.Name, Description: model.Val(in.Description), Architecture: model.Val(in.Architecture), RootName: model.Val(in.RootDeviceName),
		BootMode: model.Val(in.BootMode), IMDS: model.Val(in.ImdsSupport), ENA: model.Val(in.EnaSupport), SRIOV: in.SriovNetSupport != nil,
	}
	if err := imageDisks(&sp, in.BlockDeviceMappings); err != nil {
		return nil, err
	}
	if in.ImageLocation == nil {
		return nil, ec2err.New(ec2err.InvalidParameterCombination, "Either the ImageLocation of a disk image in S3 or a root device with a snapshot must be specified.")
	}
	var err error
	if sp.Tags, err = tagsFor(in.TagSpecifications, "image", "snapshot"); err != nil {
		return nil, err
	}
	img, err := s.cfg.Compute.Register(ctx, c.Who, sp, *in.ImageLocation)
	if err != nil {
		return nil, err
	}
	return &model.RegisterImageResult{ImageId: new(img.ID)}, nil
}

// imageDisks reads the mapping of the root device, the only one that images have.
func imageDisks(sp *compute.ImageSpec, maps []model.BlockDeviceMapping) error {
	for i := range maps {
		m := &maps[i]
		device := model.Val(m.DeviceName)
		if sp.RootName == "" {
			sp.RootName = device
		}
		switch {
		case device != sp.RootName || m.VirtualName != nil || m.NoDevice != nil || m.Ebs == nil:
			return ec2err.Unsupported("Block devices of images beside the root device are not built yet.")
		case m.Ebs.SnapshotId != nil:
			return ec2err.New("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", ec2err.Clip(*m.Ebs.SnapshotId))
		case model.Val(m.Ebs.Encrypted) || m.Ebs.KmsKeyId != nil:
			return ec2err.Unsupported("Encrypted volumes are not built yet.")
		}
		sp.SizeGiB = model.Val(m.Ebs.VolumeSize)
	}
	return nil
}
