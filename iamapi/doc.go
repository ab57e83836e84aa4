// Package iamapi speaks STS and IAM over HTTP, in the Query protocol, as far as tools need it to find out who they are.
//
// It guarantees what queryauth does about the sender of a request, answers in the documents of those services, and refuses
// every action that it does not have with InvalidAction. It knows nothing of EC2 but the common protocol.
package iamapi
