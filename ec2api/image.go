package ec2api

import (
	"slices"
	"strconv"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// imageShown is an image as it is answered.
type imageShown struct {
	model.Image
	core *compute.Image
}

func showImage(img *compute.Image, tagged tags.Set) imageShown {
	out := imageShown{core: img}
	location := img.Location
	if location == "" {
		location = img.Account + "/" + img.Name
	}
	out.Image = model.Image{
		Architecture: new(img.Architecture), CreationDate: new(shownTime(compute.Time(img.Created))), ImageId: new(img.ID), ImageLocation: new(location),
		ImageType: new("machine"), Public: new(img.Public), OwnerId: new(img.Account), PlatformDetails: new("Linux/UNIX"), UsageOperation: new("RunInstances"),
		State: new(img.State), BlockDeviceMappings: showImageDisks(img), Description: orNil(img.Description), EnaSupport: new(img.ENA), Hypervisor: new("xen"),
		ImageOwnerAlias: orNil(img.Alias), Name: new(img.Name), RootDeviceName: new(img.RootName), RootDeviceType: new("ebs"), Tags: renderTags(tagged),
		VirtualizationType: new("hvm"), BootMode: orNil(img.BootMode), ImdsSupport: orNil(img.IMDS), DeregistrationProtection: new("disabled"),
	}
	if img.SRIOV {
		out.SriovNetSupport = new("simple")
	}
	if img.Reason.Code != "" {
		out.StateReason = &model.StateReason{Code: new(img.Reason.Code), Message: new(img.Reason.Message)}
	}
	return out
}

func showImageDisks(img *compute.Image) []model.BlockDeviceMapping {
	return []model.BlockDeviceMapping{{DeviceName: new(img.RootName), Ebs: &model.EbsBlockDevice{
		DeleteOnTermination: new(true), SnapshotId: new(img.Snapshot), VolumeSize: new(img.SizeGiB), VolumeType: new("gp2"), Encrypted: new(false),
	}}}
}

var imageFilters = filter.Set[imageShown]{
	Tags: func(i *imageShown) map[string]string { return tagMap(i.Tags) },
	Fields: map[string]func(*imageShown) []string{
		"block-device-mapping.delete-on-termination": constant[imageShown]("true"),
		"block-device-mapping.device-name":           func(i *imageShown) []string { return []string{i.core.RootName} },
		"block-device-mapping.encrypted":             constant[imageShown]("false"),
		"block-device-mapping.snapshot-id":           func(i *imageShown) []string { return []string{i.core.Snapshot} },
		"block-device-mapping.volume-size":           func(i *imageShown) []string { return []string{strconv.Itoa(i.core.SizeGiB)} },
		"block-device-mapping.volume-type":           constant[imageShown]("gp2"),
		"free-tier-eligible":                         constant[imageShown]("false"),
		"hypervisor":                                 constant[imageShown]("xen"),
		"image-allowed":                              constant[imageShown]("true"),
		"image-type":                                 constant[imageShown]("machine"),
		"root-device-type":                           constant[imageShown]("ebs"),
		"virtualization-type":                        constant[imageShown]("hvm"),
		"kernel-id":                                  nil, "platform": nil, "product-code": nil, "product-code.type": nil, "ramdisk-id": nil,
		"source-image-id": nil, "source-image-region": nil, "source-instance-id": nil,

		"architecture":         func(i *imageShown) []string { return []string{i.core.Architecture} },
		"creation-date":        func(i *imageShown) []string { return []string{model.Val(i.CreationDate)} },
		"description":          func(i *imageShown) []string { return some(i.core.Description) },
		"ena-support":          func(i *imageShown) []string { return []string{strconv.FormatBool(i.core.ENA)} },
		"image-id":             func(i *imageShown) []string { return []string{i.core.ID} },
		"is-public":            func(i *imageShown) []string { return []string{strconv.FormatBool(i.core.Public)} },
		"manifest-location":    func(i *imageShown) []string { return []string{model.Val(i.ImageLocation)} },
		"name":                 func(i *imageShown) []string { return []string{i.core.Name} },
		"owner-alias":          func(i *imageShown) []string { return some(i.core.Alias) },
		"owner-id":             func(i *imageShown) []string { return []string{i.core.Account} },
		"root-device-name":     func(i *imageShown) []string { return []string{i.core.RootName} },
		"sriov-net-support":    func(i *imageShown) []string { return some(model.Val(i.SriovNetSupport)) },
		"state":                func(i *imageShown) []string { return []string{i.core.State} },
		"state-reason-code":    func(i *imageShown) []string { return some(i.core.Reason.Code) },
		"state-reason-message": func(i *imageShown) []string { return some(i.core.Reason.Message) },
	},
}

// ownedBy tells whether an image is one of those that a request's owners name.
func ownedBy(img *compute.Image, owners []string, account string) bool {
	return len(owners) == 0 || slices.ContainsFunc(owners, func(o string) bool {
		return o == "self" && img.Account == account || o == img.Account || o == img.Alias && o != ""
	})
}

// executableBy tells whether an image is one of those that a request's users may launch by its permissions.
func executableBy(img *compute.Image, users []string, account string) bool {
	return len(users) == 0 || slices.ContainsFunc(users, func(u string) bool {
		switch u {
		case "all":
			return img.Public
		case "self":
			return slices.Contains(img.Shared, account)
		}
		return slices.Contains(img.Shared, u)
	})
}
