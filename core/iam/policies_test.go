package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

const look = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}`

func TestPoliciesAndGroups(t *testing.T) {
	ctx := t.Context()
	c := newCloud()
	st := c.store(t)
	s := open(t, c.config(t, st))
	_, root := s.Root()
	account := root.Principal.AccountID
	_, key, err := s.CreateUser(ctx, "sam", iam.CreateUserOptions{AccountID: account})
	if err != nil {
		t.Fatal(err)
	}
	sam := iam.Holder{Kind: iam.UserPolicies, Name: "sam"}
	group := iam.Holder{Kind: iam.GroupPolicies, Name: "staff"}
	may := func(s *iam.Service) bool {
		t.Helper()
		cred, err := s.Secret(ctx, key.ID)
		if err != nil {
			t.Fatal(err)
		}
		return s.Authorize(ctx, iam.Request{Principal: cred.Principal, Action: "s3:ListAllMyBuckets", Resource: "arn:aws:s3:::*"}) == nil
	}
	if may(s) {
		t.Error("a user without policies may do something")
	}
	if _, err := s.CreateGroup(ctx, "", "staff"); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		err  error
	}{
		{"policy", s.PutPolicy(ctx, sam, "look", []byte(look))},
		{"allowed by the user's", ok(may(s))},
		{"policy put again", s.PutPolicy(ctx, sam, "look", []byte(look))},
		{"policy of a group", s.PutPolicy(ctx, group, "look", []byte(look))},
		{"policy taken away", s.DeletePolicy(ctx, sam, "look")},
		{"not allowed by a group of others", ok(!may(s))},
		{"member", s.AddToGroup(ctx, "", "staff", "sam")},
		{"member, again", s.AddToGroup(ctx, account, "staff", "sam")},
		{"allowed by the group's", ok(may(s))},
	} {
		if step.err != nil {
			t.Errorf("%s: %v", step.name, step.err)
		}
	}
	for name, tc := range map[string]struct {
		err  error
		want errs.Reason
	}{
		"no such user":         {s.PutPolicy(ctx, iam.Holder{Kind: iam.UserPolicies, Name: "eve"}, "p", []byte(look)), iam.NoSuchEntity},
		"no such group":        {s.PutPolicy(ctx, iam.Holder{Kind: iam.GroupPolicies, Name: "sam"}, "p", []byte(look)), iam.NoSuchEntity},
		"no such policy":       {s.DeletePolicy(ctx, sam, "none"), iam.NoSuchEntity},
		"of the root":          {s.PutPolicy(ctx, iam.Holder{Kind: iam.UserPolicies, Name: "root"}, "p", []byte(look)), iam.ValidationError},
		"bad name":             {s.PutPolicy(ctx, sam, "a b", []byte(look)), iam.ValidationError},
		"not JSON":             {s.PutPolicy(ctx, sam, "p", []byte("{")), iam.MalformedPolicyDocument},
		"with a principal":     {s.PutPolicy(ctx, sam, "p", []byte(strings.Replace(look, `"Action"`, `"Principal":"*","Action"`, 1))), iam.MalformedPolicyDocument},
		"group taken":          {second(s.CreateGroup(ctx, account, "staff")), iam.EntityAlreadyExists},
		"group's bad name":     {second(s.CreateGroup(ctx, account, "")), iam.ValidationError},
		"group of no account":  {second(s.CreateGroup(ctx, "999999999999", "staff")), iam.NoSuchEntity},
		"member of no group":   {s.AddToGroup(ctx, "", "none", "sam"), iam.NoSuchEntity},
		"no user as a member":  {s.AddToGroup(ctx, "", "staff", "eve"), iam.NoSuchEntity},
		"the root as a member": {s.AddToGroup(ctx, "", "staff", "root"), iam.ValidationError},
		"not a member":         {s.RemoveFromGroup(ctx, "", "staff", "root"), iam.NoSuchEntity},
		"group with members":   {s.DeleteGroup(ctx, "", "staff"), iam.DeleteConflict},
		"too much":             {fill(t, s, sam), iam.LimitExceeded},
	} {
		if errs.ReasonOf(tc.err) != tc.want {
			t.Errorf("%s: %v, want %s", name, tc.err, tc.want)
		}
	}
	s.Close()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	// All of it survives a restart.
	s = open(t, c.config(t, c.store(t)))
	if !may(s) {
		t.Error("policies are gone after a restart")
	}
	p, err := s.Policy(ctx, group, "look")
	if err != nil || p.Document != look || p.Holder.Account != account {
		t.Errorf("%+v, %v", p, err)
	}
	groups, err := s.ListGroups(ctx, account)
	if err != nil || len(groups) != 1 || strings.Join(groups[0].Members, " ") != "sam" || !strings.HasSuffix(groups[0].ARN, ":group/staff") {
		t.Errorf("%+v, %v", groups, err)
	}
	// A deleted user leaves neither policies nor membership behind for the next of that name.
	if err := s.DeleteUser(ctx, "", "sam"); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteGroup(ctx, "", "staff"); err != nil {
		t.Errorf("group of a deleted user: %v", err)
	}
	if _, key, err = s.CreateUser(ctx, "sam", iam.CreateUserOptions{AccountID: account}); err != nil {
		t.Fatal(err)
	}
	if ps, err := s.ListPolicies(ctx, sam); err != nil || len(ps) != 0 || may(s) {
		t.Errorf("a new user has %+v, %v", ps, err)
	}
}

func ok(b bool) error {
	if !b {
		return fmt.Errorf("not so")
	}
	return nil
}

func second(_ iam.Group, err error) error { return err }

// fill gives a holder policies until it is full.
func fill(t *testing.T, s *iam.Service, h iam.Holder) error {
	t.Helper()
	long := strings.Replace(look, `"*"`, `"arn:aws:s3:::`+strings.Repeat("b", 3000)+`"`, 1)
	for i := range 10 {
		if err := s.PutPolicy(t.Context(), h, fmt.Sprint("long-", i), []byte(long)); err != nil {
			return err
		}
	}
	return nil
}

func TestAccessKeysOffAndOn(t *testing.T) {
	ctx := t.Context()
	s := fresh(t)
	_, key, err := s.CreateUser(ctx, "alice", iam.CreateUserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetAccessKey(ctx, key.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secret(ctx, key.ID); errs.ReasonOf(err) != iam.InvalidAccessKeyID {
		t.Errorf("key that is off: %v", err)
	}
	if ks, err := s.ListAccessKeys(ctx, "", "alice"); err != nil || len(ks) != 1 || !ks[0].Off {
		t.Errorf("%+v, %v", ks, err)
	}
	if err := s.SetAccessKey(ctx, key.ID, true); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Secret(ctx, key.ID); err != nil || c.Secret != key.Secret {
		t.Errorf("key that is on again: %v", err)
	}
	if err := s.SetAccessKey(ctx, "AKIANONE", false); errs.ReasonOf(err) != iam.NoSuchEntity {
		t.Errorf("no key: %v", err)
	}
	root, _ := s.Root()
	if err := s.SetAccessKey(ctx, root, false); errs.ReasonOf(err) != iam.DeleteConflict {
		t.Errorf("root's key: %v", err)
	}
	given, err := s.CreateAccessKey(ctx, "", "alice", "AKIAGIVEN", iam.NewSecret("given-secret"))
	if err != nil || given.ID != "AKIAGIVEN" {
		t.Errorf("%+v, %v", given, err)
	}
	if _, err := s.CreateAccessKey(ctx, "", "alice", "AKIAHALF", iam.Secret{}); errs.ReasonOf(err) != iam.ValidationError {
		t.Errorf("half a key: %v", err)
	}
}
