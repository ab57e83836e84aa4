// Package imds is the instance metadata service that guests ask at 169.254.169.254: versions 1 and 2 of the protocol, tokens,
// the tree of paths that cloud-init and the SDKs read, user data and the signed identity document.
//
// It guarantees that an instance only ever reads its own metadata, that every path it lists answers, and that whatever a guest
// sends costs bounded memory and time. It needs to be told who asks (by the address, which the firewall vouches for), and may
// not know where the metadata comes from.
package imds

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// ErrNotFound is what a Source returns for an interface it does not know.
var ErrNotFound = errors.New("no such instance")

// A Source tells the metadata of the instance that has an interface. It is called for every request and should be quick.
type Source func(ctx context.Context, network, iface string) (*Instance, error)

// An Instance is all that the service tells to one instance. Empty fields are left out of the tree.
type Instance struct {
	ID             string // i-…
	AccountID      string
	ImageID        string
	KernelID       string
	RamdiskID      string
	InstanceType   string
	Architecture   string // x86_64
	ReservationID  string
	LaunchIndex    int
	Launched       time.Time // pendingTime of the identity document
	LifeCycle      string    // on-demand if empty
	Hostname       string    // private DNS name
	PublicHostname string
	PublicIP       netip.Addr

	Region             string
	AvailabilityZone   string
	AvailabilityZoneID string
	PlacementGroup     string
	Partition          int // aws partition number of a placement group, 0: none
	HostID             string
	Domain             string // amazonaws.com

	Keys         []Key             // public keys, in their order
	BlockDevices map[string]string // ami, root, ebs1, … -> device name
	Groups       []string          // names of the security groups of the primary interface
	Interfaces   []Interface       // the primary one first
	Tags         map[string]string // told only if TagsEnabled
	Role         *Role             // credentials of the instance profile
	ProductCodes []string

	UserData []byte // nil: none

	// Options of the service for this instance.
	Disabled      bool // HttpEndpoint=disabled
	TokenRequired bool // HttpTokens=required
	HopLimit      int  // HttpPutResponseHopLimit, 1 to 64; 0 means 1
	TagsEnabled   bool // InstanceMetadataTags=enabled
}

// A Key is a public key that the guest lets in.
type Key struct {
	Name    string
	OpenSSH string
}

// An Interface is what an instance is told of one of its interfaces.
type Interface struct {
	ID             string
	MAC            string
	DeviceIndex    int
	NetworkCard    int
	OwnerID        string
	LocalIPs       []netip.Addr
	IPv6s          []netip.Addr
	PublicIPs      map[netip.Addr]netip.Addr // public -> private
	LocalHostname  string
	PublicHostname string
	GroupIDs       []string
	GroupNames     []string
	SubnetID       string
	SubnetCIDR     netip.Prefix
	SubnetIPv6     []netip.Prefix
	VPCID          string
	VPCCIDRs       []netip.Prefix
	VPCIPv6        []netip.Prefix
}

// A Role is an instance profile with the credentials that the instance may fetch.
type Role struct {
	Name       string
	ProfileARN string
	ProfileID  string
	// Credentials are asked for when the guest fetches them.
	Credentials func(ctx context.Context) (Credentials, error)
}

// Credentials are temporary keys.
type Credentials struct {
	AccessKeyID, SecretAccessKey, Token string
	LastUpdated, Expiration             time.Time
}
