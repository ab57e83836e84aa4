package ec2api

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/aureole-cloud/aureole/core/iam"
)

// verdict is what an encoded authorization message tells, in the form of STS's DecodeAuthorizationMessage:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html. What a statement looks like in it is
// in the example of the AWS CLI's reference of sts decode-authorization-message. Of a call that nothing allows none matched.
type verdict struct {
	Allowed           bool             `json:"allowed"`
	ExplicitDeny      bool             `json:"explicitDeny"`
	MatchedStatements items[statement] `json:"matchedStatements"`
	Failures          items[string]    `json:"failures"`
	Context           verdictContext   `json:"context"`
}

type statement struct {
	ID         string            `json:"statementId"`
	Effect     string            `json:"effect"`
	Principals items[value]      `json:"principals"`
	Groups     items[value]      `json:"principalGroups"`
	Actions    items[value]      `json:"actions"`
	Resources  items[value]      `json:"resources"`
	Conditions items[verdictKey] `json:"conditions"`
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
		ExplicitDeny: iam.ExplicitlyDenied(err), MatchedStatements: items[statement]{[]statement{}}, Failures: items[string]{[]string{}},
		Context: verdictContext{
			Principal: verdictPrincipal{ID: c.Who.UserID, Name: c.Who.UserName, ARN: c.Who.ARN}, Action: action, Resource: arn,
			Conditions: items[verdictKey]{[]verdictKey{}},
		},
	}
	for _, key := range slices.Sorted(maps.Keys(facts)) {
		v.Context.Conditions.Items = append(v.Context.Conditions.Items, verdictKey{key, valuesOf(facts[key])})
	}
	for _, d := range iam.Denying(err) {
		said := statement{
			ID: d.Sid, Effect: "DENY", Principals: valuesOf([]string{c.Who.UserID}), Groups: valuesOf(nil),
			Actions: valuesOf(d.Actions), Resources: valuesOf(d.Resources), Conditions: items[verdictKey]{[]verdictKey{}},
		}
		for _, k := range d.Conditions {
			said.Conditions.Items = append(said.Conditions.Items, verdictKey{k.Key, valuesOf(k.Values)})
		}
		v.MatchedStatements.Items = append(v.MatchedStatements.Items, said)
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // there are only strings in it
	}
	return s.iam.SealMessage(text)
}

func valuesOf(list []string) items[value] {
	out := items[value]{make([]value, len(list))}
	for i, v := range list {
		out.Items[i] = value{v}
	}
	return out
}
