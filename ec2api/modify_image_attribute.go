package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// modifyImageAttribute changes the description, the launch permissions or the metadata version of an image.
func (s *Server) modifyImageAttribute(ctx context.Context, c *Call, in *model.ModifyImageAttributeRequest) (*model.Done, error) {
	id := model.Val(in.ImageId)
	if err := checkIDs(ids.Image, id); err != nil {
		return nil, err
	}
	var change compute.ImageChange
	if in.Description != nil {
		change.Description = new(model.Val(in.Description.Value))
	}
	if in.ImdsSupport != nil {
		change.IMDS = new(model.Val(in.ImdsSupport.Value))
	}
	switch a := model.Val(in.Attribute); {
	case a == "description" && in.Value != nil:
		change.Description = in.Value
	case a == "imdsSupport" && in.Value != nil:
		change.IMDS = in.Value
	case a == "productCodes" || len(in.ProductCodes) > 0:
		return nil, ec2err.Unsupported("Product codes are not built.")
	case a != "" && a != "description" && a != "imdsSupport" && a != "launchPermission":
		return nil, ec2err.Value("attribute", a)
	}
	if len(in.OrganizationArns)+len(in.OrganizationalUnitArns) > 0 {
		return nil, ec2err.Unsupported("Organizations are not built.")
	}
	if err := permissions(&change, in); err != nil {
		return nil, err
	}
	if change.Description == nil && change.IMDS == nil && change.Public == nil && len(change.Share)+len(change.Unshare) == 0 {
		return nil, ec2err.New(ec2err.InvalidParameterCombination, "No attributes specified.")
	}
	return &model.Done{}, s.cfg.Compute.ModifyImage(ctx, c.Account(), id, change)
}

// permissions reads both forms of changes to launch permissions.
func permissions(change *compute.ImageChange, in *model.ModifyImageAttributeRequest) error {
	var add, remove []model.LaunchPermission
	if p := in.LaunchPermission; p != nil {
		add, remove = p.Add, p.Remove
	}
	var flat []model.LaunchPermission
	for _, u := range in.UserIds {
		flat = append(flat, model.LaunchPermission{UserId: new(u)})
	}
	for _, g := range in.UserGroups {
		flat = append(flat, model.LaunchPermission{Group: new(g)})
	}
	switch op := model.Val(in.OperationType); {
	case op == "add":
		add = append(add, flat...)
	case op == "remove":
		remove = append(remove, flat...)
	case op != "" || len(flat) > 0:
		return ec2err.Value("operationType", op)
	}
	for on, list := range map[bool][]model.LaunchPermission{true: add, false: remove} {
		for i := range list {
			p := &list[i]
			switch {
			case p.OrganizationArn != nil || p.OrganizationalUnitArn != nil:
				return ec2err.Unsupported("Organizations are not built.")
			case p.Group != nil && *p.Group != "all":
				return ec2err.New("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for userGroup item type.", ec2err.Clip(*p.Group))
			case p.Group != nil:
				change.Public = new(on)
			case p.UserId != nil && on:
				change.Share = append(change.Share, *p.UserId)
			case p.UserId != nil:
				change.Unshare = append(change.Unshare, *p.UserId)
			}
		}
	}
	return nil
}
