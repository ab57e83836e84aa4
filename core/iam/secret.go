package iam

import "log/slog"

// Secret is a value that must not be seen: it prints as stars wherever it is logged or formatted. Reveal
// shows it.
type Secret struct{ value string }

const redacted = "***"

// NewSecret hides s.
func NewSecret(s string) Secret { return Secret{s} }

// Reveal returns the hidden value. Pass it on; do not print it.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

// String returns stars.
func (s Secret) String() string { return redacted }

// GoString returns stars, for %#v.
func (s Secret) GoString() string { return redacted }

// LogValue returns stars.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns stars, so that no encoder shows the secret by accident.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
