package iam

// Service is the directory of accounts, users and keys, and the judge of what they may do.
type Service struct{}
