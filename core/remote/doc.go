// Package remote keeps what this server knows of systems that it sends something to by itself: webhooks, NATS subjects and
// SQS queues that are told of changes, and S3 endpoints that buckets are replicated to. The operator names them; users of
// the server can only refer to those names, so that nobody makes the server talk to whom he likes.
//
// It guarantees that secrets are stored sealed and never logged, that a message counts as sent only when its receiver has
// confirmed it, and that Close ends every connection. It needs a store and a sealer.
//
// It does not know what messages say, nor when something is to be sent: core/object decides that.
package remote
