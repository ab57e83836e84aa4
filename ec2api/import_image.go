package ec2api

import (
	"context"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// importImage makes an image of a disk image in S3, in a task that can be followed.
func (s *Server) importImage(ctx context.Context, c *Call, in *model.ImportImageRequest) (*model.ImportImageResult, error) {
	switch {
	case len(in.DiskContainers) != 1:
		return nil, ec2err.New(ec2err.InvalidParameterValue, "One disk container must be specified: images have one disk.")
	case model.Val(in.Encrypted) || in.KmsKeyId != nil:
		return nil, ec2err.Unsupported("Encrypted images are not built yet.")
	case in.Platform != nil && !strings.EqualFold(*in.Platform, "Linux"):
		return nil, ec2err.Unsupported("The platform %s is not built.", ec2err.Clip(*in.Platform))
	case in.LicenseType != nil && *in.LicenseType != "BYOL", len(in.LicenseSpecifications) > 0:
		return nil, ec2err.Unsupported("Licenses are not built.")
	}
	d := &in.DiskContainers[0]
	var location string
	switch {
	case d.SnapshotId != nil:
		return nil, ec2err.New("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", ec2err.Clip(*d.SnapshotId))
	case d.UserBucket != nil:
		location = model.Val(d.UserBucket.S3Bucket) + "/" + model.Val(d.UserBucket.S3Key)
	case d.Url != nil && strings.HasPrefix(*d.Url, "s3://"):
		location = *d.Url
	case d.Url != nil:
		return nil, ec2err.Unsupported("Only s3:// URLs can be imported from; other places are reached by the command: aureole image import.")
	default:
		return nil, ec2err.Missing("DiskContainer.UserBucket")
	}
	task := compute.ImportInput{
		Token: c.Token(), Description: model.Val(in.Description), Architecture: model.Val(in.Architecture), Platform: "Linux",
		BootMode: model.Val(in.BootMode), Location: location,
	}
	var err error
	if task.Tags, err = tagsFor(in.TagSpecifications, "import-image-task"); err != nil {
		return nil, err
	}
	t, err := s.cfg.Compute.Import(ctx, c.Who, task)
	if err != nil {
		return nil, err
	}
	shown := showImport(t, task.Tags)
	return &model.ImportImageResult{
		Architecture: shown.Architecture, Description: shown.Description, ImportTaskId: shown.ImportTaskId, Platform: shown.Platform,
		Progress: shown.Progress, SnapshotDetails: shown.SnapshotDetails, Status: shown.Status, StatusMessage: shown.StatusMessage, Tags: shown.Tags,
	}, nil
}

// importStep says what an import does, in EC2's words (VM Import/Export User Guide, "Monitor the progress of the import").
func importStep(percent int) string {
	switch {
	case percent == 0:
		return "pending"
	case percent < compute.ImportFetched:
		return "validating"
	case percent < compute.ImportConverted:
		return "converting"
	}
	return "preparing ami"
}

// showImport makes the answer's form of a task.
func showImport(t *compute.Import, tagged tags.Set) model.ImportImageTask {
	out := model.ImportImageTask{
		Architecture: orNil(t.Architecture), Description: orNil(t.Description), ImportTaskId: new(t.ID), Platform: orNil(t.Platform),
		LicenseType: new("BYOL"), Status: new(t.Status), StatusMessage: orNil(t.Message), Tags: renderTags(tagged), UsageOperation: new("RunInstances"),
		SnapshotDetails: []model.SnapshotDetail{{
			DiskImageSize: new(float64(t.Size)), Format: orNil(strings.ToUpper(t.Format)), Status: new(t.Status),
			UserBucket: &model.UserBucketDetails{S3Bucket: new(t.Bucket), S3Key: new(t.Key)},
		}},
	}
	switch t.Status {
	case compute.ImportActive:
		out.Progress = new(strconv.Itoa(t.Progress))
		if t.Message == "" {
			out.StatusMessage = new(importStep(t.Progress))
		}
	case compute.ImportCompleted:
		out.ImageId = new(t.Image)
	}
	return out
}
