package server

import (
	"context"
	"io"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/core/compute"
)

// AddImage implements adminapi.Backend. Images that operators bring in are the root account's.
func (b *backend) AddImage(ctx context.Context, n adminapi.NewImage, next func() (string, io.Reader, error)) (adminapi.Image, error) {
	_, root := b.iam.Root()
	who := root.Principal
	if n.Existing {
		img, err := b.compute.ImageNamed(ctx, who.AccountID, n.Name)
		if err != nil || img != nil {
			return shownImage(img), err
		}
	}
	spec := compute.ImageSpec{
		Name: n.Name, Description: n.Description, Architecture: n.Architecture, BootMode: n.BootMode, Cmdline: n.Cmdline, Public: n.Public,
		Alias: n.Alias, ENA: true,
	}
	if n.Location != "" {
		img, err := b.compute.Register(ctx, who, spec, n.Location)
		return shownImage(img), err
	}
	img, err := b.compute.AddImage(ctx, who.AccountID, spec, func() (compute.Part, error) {
		name, body, err := next()
		return compute.Part{Name: name, Body: body}, err
	})
	return shownImage(img), err
}

func shownImage(img *compute.Image) adminapi.Image {
	if img == nil {
		return adminapi.Image{}
	}
	return adminapi.Image{ID: img.ID, Name: img.Name, State: img.State, SizeGiB: img.SizeGiB}
}
