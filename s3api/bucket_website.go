package s3api

import (
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

func websiteElement() s3xml.Element {
	return group("WebsiteConfiguration",
		group("IndexDocument", leaf("Suffix")), group("ErrorDocument", required(filled("Key"))),
		group("RedirectAllRequestsTo", required(filled("HostName")), leaf("Protocol")),
		group("RoutingRules", required(many(group("RoutingRule",
			group("Condition", leaf("HttpErrorCodeReturnedEquals"), leaf("KeyPrefixEquals")),
			required(group("Redirect", leaf("HostName"), leaf("HttpRedirectCode"), leaf("Protocol"), leaf("ReplaceKeyPrefixWith"), leaf("ReplaceKeyWith"))))))))
}

// getBucketWebsite: GET /bucket?website
func getBucketWebsite(r *request) (*response, error) {
	w, err := r.srv.objects.WebsiteConfig(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("WebsiteConfiguration", 512)
	if a := w.RedirectAll; a != nil {
		x.Open("RedirectAllRequestsTo")
		x.Text("HostName", a.Host)
		x.Optional("Protocol", a.Protocol)
		x.Close("RedirectAllRequestsTo")
	}
	if w.Index != "" {
		x.Open("IndexDocument")
		x.Text("Suffix", w.Index)
		x.Close("IndexDocument")
	}
	if w.Error != "" {
		x.Open("ErrorDocument")
		x.Text("Key", w.Error)
		x.Close("ErrorDocument")
	}
	if len(w.Rules) > 0 {
		x.Open("RoutingRules")
		for i := range w.Rules {
			writeRoutingRule(x, &w.Rules[i])
		}
		x.Close("RoutingRules")
	}
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

func writeRoutingRule(x *s3xml.Doc, rule *object.WebsiteRule) {
	x.Open("RoutingRule")
	if rule.Conditional {
		x.Open("Condition")
		if rule.Prefix != nil {
			x.Text("KeyPrefixEquals", *rule.Prefix)
		}
		x.Optional("HttpErrorCodeReturnedEquals", rule.Status)
		x.Close("Condition")
	}
	to := &rule.Redirect
	x.Open("Redirect")
	x.Optional("Protocol", to.Protocol)
	x.Optional("HostName", to.Host)
	if to.Prefix != nil {
		x.Text("ReplaceKeyPrefixWith", *to.Prefix)
	}
	if to.Key != nil {
		x.Text("ReplaceKeyWith", *to.Key)
	}
	x.Optional("HttpRedirectCode", to.Status)
	x.Close("Redirect")
	x.Close("RoutingRule")
}

// putBucketWebsite: PUT /bucket?website
func putBucketWebsite(r *request) (*response, error) {
	n, err := r.readNode(websiteElement())
	if err != nil {
		return nil, err
	}
	w, err := websiteOf(n)
	if err != nil {
		return nil, err
	}
	if err := r.srv.objects.PutWebsiteConfig(r.ctx, r.who, r.bucket, w); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// websiteOf reads a configuration and refuses what S3 refuses, in its words.
func websiteOf(n *s3xml.Node) (*object.Website, error) {
	if all := n.Child("RedirectAllRequestsTo"); all != nil {
		if len(n.Children) > 1 {
			return nil, s3err.Argument("RedirectAllRequestsTo", "not null", "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.")
		}
		to := &object.WebsiteRedirect{Host: all.Text("HostName"), Protocol: all.Text("Protocol")}
		return &object.Website{RedirectAll: to}, checkProtocol(to.Protocol)
	}
	if n.Child("IndexDocument") == nil {
		return nil, s3err.Argument("IndexDocument", "null", "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty")
	}
	w := &object.Website{Index: n.Text("IndexDocument", "Suffix"), Error: n.Text("ErrorDocument", "Key")}
	if w.Index == "" || strings.Contains(w.Index, "/") {
		return nil, s3err.Argument("IndexDocument", w.Index, "The IndexDocument Suffix is not well formed")
	}
	if len(w.Index) > object.MaxKeyLen || len(w.Error) > object.MaxKeyLen {
		return nil, s3err.New(s3err.KeyTooLong)
	}
	rules := n.Child("RoutingRules").All("RoutingRule")
	if len(rules) > object.MaxRoutingRules {
		return nil, s3err.Newf(s3err.InvalidRequest, "%d routing rules provided, the number of routing rules in a website configuration is limited to %d.",
			len(rules), object.MaxRoutingRules)
	}
	for _, r := range rules {
		rule, err := routingRule(r)
		if err != nil {
			return nil, err
		}
		w.Rules = append(w.Rules, rule)
	}
	return w, nil
}

func routingRule(n *s3xml.Node) (rule object.WebsiteRule, err error) {
	value := func(path ...string) *string {
		if c := n.Child(path...); c != nil {
			return &c.Value
		}
		return nil
	}
	rule.Redirect = object.WebsiteRedirect{
		Host: n.Text("Redirect", "HostName"), Protocol: n.Text("Redirect", "Protocol"), Status: n.Text("Redirect", "HttpRedirectCode"),
		Key: value("Redirect", "ReplaceKeyWith"), Prefix: value("Redirect", "ReplaceKeyPrefixWith"),
	}
	if c := n.Child("Condition"); c != nil {
		if len(c.Children) == 0 {
			return rule, s3err.Newf(s3err.InvalidRequest, "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.")
		}
		rule.Conditional, rule.Prefix, rule.Status = true, value("Condition", "KeyPrefixEquals"), c.Text("HttpErrorCodeReturnedEquals")
		if code, err := strconv.Atoi(rule.Status); rule.Status != "" && (err != nil || code < 400 || code > 599) {
			return rule, s3err.Newf(s3err.InvalidRequest, "The provided HTTP error code (%s) is not valid. Valid codes are 4XX or 5XX.", rule.Status)
		}
	}
	to := &rule.Redirect
	switch {
	case len(n.Child("Redirect").Children) == 0: // reference of Redirect: each element may be absent if another is there
		return rule, s3err.New(s3err.MalformedXML)
	case to.Key != nil && to.Prefix != nil:
		return rule, s3err.Newf(s3err.InvalidRequest, "You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
	case to.Status != "":
		if code, err := strconv.Atoi(to.Status); err != nil || code < 301 || code > 399 {
			return rule, s3err.Newf(s3err.InvalidRequest, "The provided HTTP redirect code (%s) is not valid. Valid codes are 3XX except 300.", to.Status)
		}
	}
	return rule, checkProtocol(to.Protocol)
}

func checkProtocol(p string) error {
	if p != "" && p != "http" && p != "https" {
		return s3err.Newf(s3err.InvalidRequest, "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.")
	}
	return nil
}
