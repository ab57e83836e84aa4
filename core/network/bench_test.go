package network

import (
	"testing"

	"github.com/aureole-cloud/aureole/core/ids"
)

// crowd makes n interfaces of one group and returns their ids.
func crowd(b *testing.B, s *Service, n int) []string {
	b.Helper()
	var all []string
	for len(all) < n {
		must(b, s.inTx(b.Context(), alice, func(tx *Tx) error {
			for range 50 {
				nic, err := tx.CreateInterface(InterfaceSpec{Attach: &Attach{Instance: ids.New(ids.Instance), DeleteOnTermination: true}, AutoPublic: new(false)})
				if err != nil {
					return err
				}
				all = append(all, nic.ID)
			}
			return nil
		}))
	}
	return all
}

// BenchmarkDesired is what a change costs a host with 2,000 interfaces before it knows what to do.
func BenchmarkDesired(b *testing.B) {
	s := open(b)
	all := crowd(b, s, 2000)
	for b.Loop() {
		s.Desired(all)
	}
}

// BenchmarkCreateInterface is the network's share of a launch among 2,000 interfaces, commit included.
func BenchmarkCreateInterface(b *testing.B) {
	s := open(b)
	crowd(b, s, 2000)
	for b.Loop() {
		instance := ids.New(ids.Instance)
		must(b, s.inTx(b.Context(), alice, func(tx *Tx) error {
			_, err := tx.CreateInterface(InterfaceSpec{Attach: &Attach{Instance: instance, DeleteOnTermination: true}, AutoPublic: new(false)})
			return err
		}))
		must(b, s.inTx(b.Context(), alice, func(tx *Tx) error { return tx.ReleaseInstance(instance) }))
	}
}
