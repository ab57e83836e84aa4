package adminapi

import (
	"context"
	"encoding/json"
	"net/http"
)

// Message is an encoded authorization failure message, as answers of EC2 have it.
type Message struct {
	Encoded string `json:"encodedMessage"`
}

func (h *handler) decodeMessage(r *http.Request) (any, error) {
	var m Message
	if err := readJSON(r, &m); err != nil {
		return nil, err
	}
	text, err := h.Backend.DecodeMessage(r.Context(), m.Encoded)
	return json.RawMessage(text), err
}

// DecodeMessage asks what an encoded authorization failure message says.
func (c *Client) DecodeMessage(ctx context.Context, message string) (text json.RawMessage, err error) {
	return text, c.call(ctx, http.MethodPost, "authorization-messages", Message{message}, &text)
}
