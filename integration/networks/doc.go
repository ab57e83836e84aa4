// Package networks tests EC2's networks through unmodified clients against a real server: the AWS SDK for Go with its
// waiters and paginators, and the AWS CLI. No machine is started, so it needs no privileges.
package networks
