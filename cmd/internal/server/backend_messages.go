package server

import "context"

// DecodeMessage implements adminapi.Backend.
func (b *backend) DecodeMessage(_ context.Context, message string) ([]byte, error) {
	return b.iam.OpenMessage(message)
}
