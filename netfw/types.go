package netfw

import (
	"net"
	"net/netip"

	"github.com/aureole-cloud/aureole/netfw/nft"
)

// A Network is the desired state of one VPC on this host: what Apply makes true.
type Network struct {
	// ID is the resource id, such as vpc-0123456789abcdef0. It names the namespace.
	ID string
	// CIDRs are the blocks of the whole network, here and on other hosts; IPv4 and IPv6.
	CIDRs []netip.Prefix
	// Subnets are those with interfaces on this host, at least. The first address of each is the router's.
	Subnets []Subnet
	// Domain ends the names of the instances: ec2.internal. Empty means internal.
	Domain string
	// NoDNS turns the resolver at the network's base plus two, and at 169.254.169.253, off.
	NoDNS bool
	// Records are names that the resolver knows beside those of the interfaces.
	Records []Record
	// MTU of the taps; 0 means 1500.
	MTU int
	// Groups are the security groups of the interfaces, and those that rules refer to.
	Groups []Group
	// Interfaces are those that live on this host.
	Interfaces []Interface
}

// A Subnet is a part of a network. The router answers at its first address.
type Subnet struct {
	ID   string
	CIDR netip.Prefix
	// IPv6 is the block of IPv6 addresses, if there is one.
	IPv6 netip.Prefix
}

// An Interface is a network interface of a guest on this host.
type Interface struct {
	// ID is the resource id, such as eni-0123456789abcdef0. It names the tap.
	ID string
	// MAC is what the guest's card has, 6 bytes.
	MAC net.HardwareAddr
	// Subnet is the id of one of the network's subnets.
	Subnet string
	// Addresses are the guest's, the primary one first; IPv4 and IPv6.
	Addresses []Address
	// Groups are the ids of the security groups. An interface without a group can neither send nor receive.
	Groups []string
	// AnySource lets the guest send and receive for addresses that are not its own (a NAT or VPN guest): AWS calls it
	// sourceDestCheck=false. The source MAC is checked all the same.
	AnySource bool
	// Hostname is what DHCP tells the guest. Empty means ip-10-0-0-5.
	Hostname string
}

// An Address is one address of an interface, and how the outside sees it.
type Address struct {
	// IP is the private address. No other interface of the network may have it.
	IP netip.Addr
	// Public is the address that stands for IP alone, in and out: a public or Elastic IP. IPv4 only; zero: none.
	Public netip.Addr
	// NAT is the public address, shared by many, as which IP reaches the outside when it has no Public: a NAT gateway's.
	NAT netip.Addr
	// Egress lets IP reach the outside by the host's own address when it has neither Public nor NAT.
	Egress bool
	// Name is what the resolver calls the address, without a final dot. Empty means ip-10-0-0-5.DOMAIN.
	Name string
	// PublicName is another name, that of Public, which inside of the network resolves to IP.
	PublicName string
}

// A Record is a name that the network's resolver knows.
type Record struct {
	Name      string
	Addresses []netip.Addr
}

// A Group is a security group: rules that allow. What no rule of an interface's groups allows is dropped; answers to what was
// allowed pass. Remote are the addresses of members on other hosts; those on this host are known by Interface.Groups.
type Group = nft.Group

// Any stands for all protocols, all ICMP types or all ICMP codes.
const Any = nft.Any

// Numbers of the protocols whose rules have ports or types.
const (
	ICMP   = nft.ICMP
	TCP    = nft.TCP
	UDP    = nft.UDP
	ICMPv6 = nft.ICMPv6
)

// A Rule allows packets of one protocol with one peer: the source of an ingress rule, the destination of an egress rule.
type Rule = nft.Rule
