// Package ids makes and reads the ids of resources: a prefix that names the kind, a dash, and 17 hex digits
// (vpc-0a1b2c3d4e5f60718).
//
// # Guarantees
//
//   - New ids are drawn from crypto/rand: 68 bits, so that two never meet. Whoever stores one still demands that
//     its row is absent.
//   - [Check] accepts the 17 digits made here and the 8 digits of old ids, in lower case, and nothing else.
//
// It knows no resource beyond the prefix of its kind, and no store.
package ids

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// Kind is the prefix of the ids of one kind of resource.
type Kind string

// The kinds.
const (
	Instance              Kind = "i"
	Reservation           Kind = "r"
	Image                 Kind = "ami"
	ImportImageTask       Kind = "import-ami"
	ImportSnapshotTask    Kind = "import-snap"
	KeyPair               Kind = "key"
	LaunchTemplate        Kind = "lt"
	PlacementGroup        Kind = "pg"
	Volume                Kind = "vol"
	Snapshot              Kind = "snap"
	IAMProfileAssociation Kind = "iip-assoc"

	VPC                   Kind = "vpc"
	VPCCIDRAssociation    Kind = "vpc-cidr-assoc"
	Subnet                Kind = "subnet"
	SubnetCIDRAssociation Kind = "subnet-cidr-assoc"
	SecurityGroup         Kind = "sg"
	SecurityGroupRule     Kind = "sgr"
	NetworkInterface      Kind = "eni"
	InterfaceAttachment   Kind = "eni-attach"
	RouteTable            Kind = "rtb"
	RouteTableAssociation Kind = "rtbassoc"
	InternetGateway       Kind = "igw"
	NATGateway            Kind = "nat"
	NetworkACL            Kind = "acl"
	NetworkACLAssociation Kind = "aclassoc"
	DHCPOptions           Kind = "dopt"
	Allocation            Kind = "eipalloc"
	AddressAssociation    Kind = "eipassoc"
	PrefixList            Kind = "pl"
)

// kinds are all that [KindOf] knows.
var kinds = [...]Kind{Instance, Reservation, Image, ImportImageTask, ImportSnapshotTask, KeyPair, LaunchTemplate, PlacementGroup,
	Volume, Snapshot, IAMProfileAssociation, VPC, VPCCIDRAssociation, Subnet, SubnetCIDRAssociation, SecurityGroup,
	SecurityGroupRule, NetworkInterface, InterfaceAttachment, RouteTable, RouteTableAssociation, InternetGateway, NATGateway,
	NetworkACL, NetworkACLAssociation, DHCPOptions, Allocation, AddressAssociation, PrefixList}

// The lengths of what follows the dash.
const (
	digits    = 17
	oldDigits = 8
)

// ErrMalformed says that a string is no id of the kind asked for.
var ErrMalformed = errors.New("ids: malformed id")

const hexDigits = "0123456789abcdef"

// New draws an id of kind k.
func New(k Kind) string {
	var raw [digits]byte
	_, _ = rand.Read(raw[:]) // never fails: it ends the process instead
	id := make([]byte, 0, len(k)+1+digits)
	id = append(append(id, k...), '-', '0') // as AWS's ids of 17 digits begin
	for _, b := range raw[1:] {
		id = append(id, hexDigits[b&0xF])
	}
	return string(id)
}

// Check returns nil when id is a well-formed id of kind k, else ErrMalformed.
func Check(k Kind, id string) error {
	rest, ok := strings.CutPrefix(id, string(k)+"-")
	if !ok || len(rest) != digits && len(rest) != oldDigits || strings.Trim(rest, hexDigits) != "" {
		const shown = 64
		return fmt.Errorf("%w: %q is no %s- id", ErrMalformed, id[:min(len(id), shown)], k)
	}
	return nil
}

// KindOf tells the kind of a well-formed id.
func KindOf(id string) (Kind, bool) {
	i := strings.LastIndexByte(id, '-')
	if i < 0 {
		return "", false
	}
	k := Kind(id[:i])
	for _, known := range kinds {
		if k == known && Check(k, id) == nil {
			return known, true
		}
	}
	return "", false
}
