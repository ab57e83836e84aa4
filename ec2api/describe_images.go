package ec2api

import (
	"context"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeImages lists the images that the account may see.
func (s *Server) describeImages(ctx context.Context, c *Call, in *model.DescribeImagesRequest) (*model.DescribeImagesResult, error) {
	for _, o := range in.Owners {
		if !knownOwner(o) {
			return nil, ec2err.New("InvalidUserID.Malformed", "Invalid user id: \"%s\"", ec2err.Clip(o))
		}
	}
	all, tagged, err := s.cfg.Compute.Images(ctx, c.Account())
	if err != nil {
		return nil, err
	}
	items := make([]imageShown, 0, len(all))
	for _, img := range all {
		named := slices.Contains(in.ImageIds, img.ID)
		if named || ownedBy(img, in.Owners, c.Account()) && executableBy(img, in.ExecutableUsers, c.Account()) {
			items = append(items, showImage(img, tagged[img.ID]))
		}
	}
	page, next, err := listing[imageShown]{
		items: items, id: func(i *imageShown) string { return i.core.ID }, kind: ids.Image, asked: in.ImageIds, filters: imageFilters,
		exclusive: "imagesSet",
	}.answer(c)
	if err != nil {
		return nil, err
	}
	out := &model.DescribeImagesResult{Images: []model.Image{}, NextToken: next}
	for n := range page {
		i := &page[n]
		if ownedBy(i.core, in.Owners, c.Account()) && executableBy(i.core, in.ExecutableUsers, c.Account()) {
			out.Images = append(out.Images, i.Image)
		}
	}
	return out, nil
}

func knownOwner(o string) bool {
	switch o {
	case "self", "amazon", "aws-marketplace", "aws-backup-vault", "microsoft":
		return true
	}
	return len(o) == 12 && strings.Trim(o, "0123456789") == ""
}
