package iam

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"

	"github.com/aureole-cloud/aureole/core/errs"
)

// InvalidMessage is the reason of a message that this node has not sealed; STS answers it by this name.
const InvalidMessage errs.Reason = "InvalidAuthorizationMessageException"

const (
	messagePlace   = "authorization message"
	maxMessage     = 10240 // of its coded form, as in STS
	maxMessageText = 64 << 10
)

// SealMessage makes text opaque for whoever was refused: why is for those who may decode it.
func (s *Service) SealMessage(text []byte) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything, and the level is one there is
	}
	return base64.RawURLEncoding.EncodeToString(s.sealer.Seal(messagePlace, NewSecret(b.String())))
}

// OpenMessage undoes SealMessage, with the same node's key.
func (s *Service) OpenMessage(message string) ([]byte, error) {
	invalid := func(err error) error {
		return &errs.E{Op: "iam.OpenMessage", Kind: errs.Invalid, Reason: InvalidMessage, Msg: "The message is not an authorization message of this server.", Err: err}
	}
	if len(message) > maxMessage {
		return nil, errs.New(errs.Invalid, InvalidMessage, "The message is longer than %d characters.", maxMessage)
	}
	sealed, err := base64.RawURLEncoding.DecodeString(message)
	if err != nil {
		return nil, invalid(err)
	}
	packed, err := s.sealer.Open(messagePlace, sealed)
	if err != nil {
		return nil, invalid(err)
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader([]byte(packed.Reveal()))), maxMessageText))
	if err != nil {
		return nil, invalid(err)
	}
	return text, nil
}
