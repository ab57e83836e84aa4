package compute_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/tags"
)

// Listings go through the account's instances in the order of their ids, from wherever they are told to, with tags, and never
// show what was before a change.
func TestEach(t *testing.T) {
	c := open(t, 1000, 1<<20, compute.DefaultQuotas())
	ctx, account := t.Context(), c.who.AccountID
	in := c.input(12, 12)
	in.InstanceTags = tags.Set{{Key: "role", Value: "web"}}
	if _, err := c.Run(ctx, c.who, in); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Run(ctx, c.who, c.input(3, 3)); err != nil {
		t.Fatal(err)
	}
	list := func(after string, most int) (ids []string, tagged int) {
		err := c.Each(ctx, account, after, func(i *compute.Instance, s tags.Set) bool {
			if i.Account != account {
				t.Errorf("%s is of %s", i.ID, i.Account)
			}
			if role, _ := s.Get("role"); role == "web" {
				tagged++
			}
			ids = append(ids, i.ID)
			return len(ids) < most
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids, tagged
	}
	all, tagged := list("", 100)
	if len(all) != 15 || tagged != 12 || !slices.IsSorted(all) {
		t.Fatalf("%d instances, %d with a tag, sorted: %v", len(all), tagged, slices.IsSorted(all))
	}
	if page, _ := list(all[4], 5); !slices.Equal(page, all[5:10]) {
		t.Errorf("behind %s come %v, want %v", all[4], page, all[5:10])
	}
	if page, _ := list(all[14], 5); len(page) != 0 {
		t.Errorf("behind the last come %v", page)
	}

	if _, err := c.Terminate(ctx, account, all[3:4]); err != nil {
		t.Fatal(err)
	}
	var some []string
	err := c.EachOf(ctx, account, []string{all[3], "i-00000000000000000", all[1]}, func(i *compute.Instance, _ tags.Set) bool {
		some = append(some, i.ID)
		if gone := i.State != compute.Pending; gone != (i.ID == all[3]) {
			t.Errorf("%s is %v", i.ID, i.State)
		}
		return true
	})
	if err != nil || !slices.Equal(some, []string{all[3], all[1]}) {
		t.Errorf("%v: %v", some, err)
	}
	if err := c.Each(ctx, "000000000000", "", func(i *compute.Instance, _ tags.Set) bool {
		t.Errorf("a stranger sees %s", i.ID)
		return true
	}); err != nil {
		t.Error(err)
	}
}

// Of instances that are forgotten nothing stays in memory.
func TestForgotten(t *testing.T) {
	c := open(t, 1000, 1<<20, compute.DefaultQuotas())
	ctx, account := t.Context(), c.who.AccountID
	if _, err := c.Run(ctx, c.who, c.input(20, 20)); err != nil {
		t.Fatal(err)
	}
	all, err := c.Instances(ctx, account)
	if err != nil || len(all) != 20 || c.Known() != 20 {
		t.Fatalf("%d instances, %d known: %v", len(all), c.Known(), err)
	}
	for _, i := range all[:15] {
		if _, err := c.Terminate(ctx, account, []string{i.ID}); err != nil {
			t.Fatal(err)
		}
		if err := c.Report(ctx, account, i.ID, compute.Sight{Seen: compute.SeenGone}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Reap(ctx); err != nil {
		t.Fatal(err)
	}
	if all, err = c.Instances(ctx, account); err != nil || len(all) != 20 {
		t.Fatalf("%d instances are visible, want all for an hour: %v", len(all), err)
	}
	c.SetVisible(-time.Hour)
	if err := c.Reap(ctx); err != nil {
		t.Fatal(err)
	}
	if all, err = c.Instances(ctx, account); err != nil || len(all) != 5 || c.Known() != 5 {
		t.Errorf("%d instances are left, %d known: %v", len(all), c.Known(), err)
	}
}

// What a listing of 2,000 instances costs, and a page of 100 in their middle.
func BenchmarkEach(b *testing.B) {
	c := open(b, 10_000, 10<<20, compute.DefaultQuotas())
	for range 100 {
		if _, err := c.Run(b.Context(), c.who, c.input(20, 20)); err != nil {
			b.Fatal(err)
		}
	}
	all, err := c.Instances(b.Context(), c.who.AccountID)
	if err != nil || len(all) != 2000 {
		b.Fatal(len(all), err)
	}
	for name, from := range map[string]string{"all": "", "100": all[1000].ID} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				left := 100
				if from == "" {
					left = 2000
				}
				err := c.Each(b.Context(), c.who.AccountID, from, func(*compute.Instance, tags.Set) bool { left--; return left > 0 })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
