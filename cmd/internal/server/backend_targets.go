package server

import (
	"context"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/remote"
)

func (s *Server) openTargets(context.Context) error {
	s.targets = remote.NewTargets(s.store, s.sealer)
	s.publisher, s.replicas = remote.NewPublisher(s.targets), remote.NewReplicator(s.targets)
	s.onClose("targets", func() error {
		s.publisher.Close()
		s.replicas.Close()
		return nil
	})
	return nil
}

// PutTarget implements adminapi.TargetBackend.
func (b *backend) PutTarget(ctx context.Context, t adminapi.Target) error {
	return b.targets.Put(ctx, remote.Target{
		Name: t.Name, Kind: remote.Kind(t.Kind), URL: t.URL, Subject: t.Subject, Stream: t.Stream, Bucket: t.Bucket, Region: t.Region,
		AccessKey: t.AccessKey, Secret: iam.NewSecret(t.Secret),
	})
}

// ListTargets implements adminapi.TargetBackend.
func (b *backend) ListTargets(ctx context.Context) ([]adminapi.Target, error) {
	all, err := b.targets.List(ctx)
	out := make([]adminapi.Target, 0, len(all))
	for _, t := range all {
		out = append(out, adminapi.Target{
			Name: t.Name, Kind: string(t.Kind), URL: t.URL, Subject: t.Subject, Stream: t.Stream, Bucket: t.Bucket, Region: t.Region,
			AccessKey: t.AccessKey, Created: t.Created,
		})
	}
	return out, err
}

// DeleteTarget implements adminapi.TargetBackend.
func (b *backend) DeleteTarget(ctx context.Context, name string) error {
	return b.targets.Delete(ctx, name)
}
