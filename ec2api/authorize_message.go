package ec2api

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/aureole-cloud/aureole/core/iam"
)

// verdict is what an encoded authorization message tells, in the form of STS's DecodeAuthorizationMessage:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html. Which statements matched is not
// kept: the list is empty, as it is on AWS when none did.
type verdict struct {
	Allowed           bool           `json:"allowed"`
	ExplicitDeny      bool           `json:"explicitDeny"`
	MatchedStatements items[string]  `json:"matchedStatements"`
	Failures          items[string]  `json:"failures"`
	Context           verdictContext `json:"context"`
}

type verdictContext struct {
	Principal  verdictPrincipal  `json:"principal"`
	Action     string            `json:"action"`
	Resource   string            `json:"resource"`
	Conditions items[verdictKey] `json:"conditions"`
}

type verdictPrincipal struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	ARN  string `json:"arn"`
}

type verdictKey struct {
	Key    string       `json:"key"`
	Values items[value] `json:"values"`
}

type value struct {
	Value string `json:"value"`
}

type items[T any] struct {
	Items []T `json:"items"`
}

// encodedVerdict seals why a call was refused, for those who may decode it.
func (s *Server) encodedVerdict(c *Call, action, arn string, facts map[string][]string, err error) string {
	v := verdict{
		ExplicitDeny: iam.ExplicitlyDenied(err), MatchedStatements: items[string]{[]string{}}, Failures: items[string]{[]string{}},
		Context: verdictContext{
			Principal: verdictPrincipal{ID: c.Who.UserID, Name: c.Who.UserName, ARN: c.Who.ARN}, Action: action, Resource: arn,
			Conditions: items[verdictKey]{[]verdictKey{}},
		},
	}
	for _, key := range slices.Sorted(maps.Keys(facts)) {
		k := verdictKey{Key: key, Values: items[value]{[]value{}}}
		for _, f := range facts[key] {
			k.Values.Items = append(k.Values.Items, value{f})
		}
		v.Context.Conditions.Items = append(v.Context.Conditions.Items, k)
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // there are only strings in it
	}
	return s.iam.SealMessage(text)
}
