package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// maxTagged is how many resources one call may tag.
const maxTagged = 1000

// createTags gives tags to resources of any kind: to all of them or to none.
func (s *Server) createTags(ctx context.Context, c *Call, in *model.CreateTagsRequest) (*model.Done, error) {
	if len(in.Resources) > maxTagged {
		return nil, tooManyTagged()
	}
	list := make([]tags.Tag, len(in.Tags))
	for i := range in.Tags {
		list[i] = tags.Tag{Key: model.Val(in.Tags[i].Key), Value: model.Val(in.Tags[i].Value)}
	}
	if err := s.cfg.Tags.Create(ctx, c.Account(), in.Resources, list); err != nil {
		return nil, err
	}
	return &model.Done{}, nil
}

func tooManyTagged() error {
	return ec2err.New(ec2err.InvalidParameterValue, "The request names more than %d resources.", maxTagged)
}
