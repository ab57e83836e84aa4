package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteTags takes tags from resources: those of a key whatever their value, or only of a value when it names one, which may
// be the empty one; without tags in the request, all.
func (s *Server) deleteTags(ctx context.Context, c *Call, in *model.DeleteTagsRequest) (*model.Done, error) {
	if len(in.Resources) > maxTagged {
		return nil, tooManyTagged()
	}
	list := make([]tags.Removal, len(in.Tags))
	for i := range in.Tags {
		list[i] = tags.Removal{Key: model.Val(in.Tags[i].Key), Value: in.Tags[i].Value}
	}
	if err := s.cfg.Tags.Remove(ctx, c.Account(), in.Resources, list); err != nil {
		return nil, err
	}
	return &model.Done{}, nil
}
