package network

import "slices"

// InterfaceIndex is a way to find interfaces by what they belong to.
type InterfaceIndex int

// The ways.
const (
	InGroup    InterfaceIndex = iota // by a security group
	InSubnet                         // by a subnet
	InVPC                            // by a VPC
	OfInstance                       // by an instance
)

// InterfaceIDs returns the ids of the interfaces that belong to what has an id, of whatever account, in no order.
func (s *Service) InterfaceIDs(x InterfaceIndex, of string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.mu.state
	by := map[InterfaceIndex]index{InGroup: st.members, InSubnet: st.inSubnet, InVPC: st.inVPC.interfaces, OfInstance: st.ofInstance}[x]
	return slices.Collect(by.ids(of))
}

// GroupIDs returns the ids of the security groups of a VPC, of whatever account, in no order.
func (s *Service) GroupIDs(vpc string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(s.mu.state.inVPC.groups.ids(vpc))
}

// Holders returns the ids of the instances that hold some interfaces, maybe more than once.
func (s *Service) Holders(interfaces ...string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]string, 0, len(interfaces))
	for _, id := range interfaces {
		if nic := s.mu.state.interfaces.get(id); nic != nil && nic.Attachment != nil {
			all = append(all, nic.Attachment.Instance)
		}
	}
	return all
}

// InterfacesAfter returns at most n interfaces of an account behind an id, in the order of ids; all for n below 1.
func (s *Service) InterfacesAfter(account, after string, n int) []*Interface {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.interfaces.after(account, after, n)
}

// GroupsAfter returns at most n security groups of an account behind an id, in the order of ids; all for n below 1.
func (s *Service) GroupsAfter(account, after string, n int) []*Group {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.state.groups.after(account, after, n)
}
