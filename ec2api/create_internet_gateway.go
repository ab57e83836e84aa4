package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createInternetGateway makes an internet gateway that is attached to nothing.
func (s *Server) createInternetGateway(ctx context.Context, c *Call, in *model.CreateInternetGatewayRequest) (*model.CreateInternetGatewayResult, error) {
	tagged, err := tagsFor(in.TagSpecifications, "internet-gateway")
	if err != nil {
		return nil, err
	}
	g, err := s.network.CreateGateway(ctx, c.Account(), tagged)
	if err != nil {
		return nil, err
	}
	return &model.CreateInternetGatewayResult{InternetGateway: new(renderGateway(g, tagged))}, nil
}
