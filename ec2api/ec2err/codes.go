package ec2err

// Codes that the front end itself answers. Those of resources come from core, as reasons.
const (
	AuthFailure                 = "AuthFailure"
	DryRunOperation             = "DryRunOperation"
	IncompleteSignature         = "IncompleteSignature"
	InternalError               = "InternalError"
	InvalidAction               = "InvalidAction"
	InvalidNextToken            = "InvalidNextToken"
	InvalidParameterCombination = "InvalidParameterCombination"
	InvalidParameterValue       = "InvalidParameterValue"
	MalformedQueryString        = "MalformedQueryString"
	MissingAction               = "MissingAction"
	MissingAuthenticationToken  = "MissingAuthenticationToken"
	MissingParameter            = "MissingParameter"
	OperationNotPermitted       = "OperationNotPermitted"
	RequestEntityTooLarge       = "RequestEntityTooLarge"
	RequestExpired              = "RequestExpired"
	RequestLimitExceeded        = "RequestLimitExceeded"
	ResourceLimitExceeded       = "ResourceLimitExceeded"
	SignatureDoesNotMatch       = "SignatureDoesNotMatch"
	UnauthorizedOperation       = "UnauthorizedOperation"
	Unavailable                 = "Unavailable"
	UnknownParameter            = "UnknownParameter"
	UnsupportedOperation        = "UnsupportedOperation"
)

// StatusOf is the HTTP status of a code. Most are the client's fault and 400.
func StatusOf(code string) int {
	switch code {
	case AuthFailure, "OptInRequired":
		return 401
	case UnauthorizedOperation, SignatureDoesNotMatch, MissingAuthenticationToken, "Blocked", "PendingVerification":
		return 403
	case DryRunOperation:
		return 412
	case RequestEntityTooLarge:
		return 413
	case InternalError, "InternalFailure", "InsufficientInstanceCapacity", "InsufficientCapacity", "InsufficientVolumeCapacity",
		"InsufficientHostCapacity":
		return 500
	case Unavailable, RequestLimitExceeded, "ServiceUnavailable":
		return 503
	}
	return 400
}
