package network

import (
	"net/netip"
	"time"
)

//go:generate go run github.com/tinylib/msgp@v1.6.5 -file types.go -o zz_generated_types.go -io=false -tests=false -unexported

//msgp:limit arrays:65536 maps:64
//msgp:shim netip.Addr as:string using:addrText/textAddr mode:convert
//msgp:shim netip.Prefix as:string using:prefixText/textPrefix mode:convert

// The types below are both what reads return and what rows hold: MessagePack maps with short names. A field that is
// added later is unknown to older programs, which skip it; a change that older programs must not skip raises the
// schema byte in front of the record.

// VPC is a virtual network.
type VPC struct {
	ID            string            `msg:"i"`
	Account       string            `msg:"a"`
	CIDRs         []CIDRAssociation `msg:"c"` // the first is the primary one
	Default       bool              `msg:"d,omitempty"`
	DHCPOptions   string            `msg:"o,omitempty"` // empty: none ("default")
	DNSSupport    bool              `msg:"s,omitempty"`
	DNSHostnames  bool              `msg:"h,omitempty"`
	AddressUsage  bool              `msg:"u,omitempty"` // network address usage metrics
	MainTable     string            `msg:"m"`           // its main route table
	DefaultACL    string            `msg:"l"`
	DefaultGroup  string            `msg:"g"`
	Created       time.Time         `msg:"t"`
	MainAssociate string            `msg:"ma"` // the association id of the main route table
}

// CIDRAssociation is one range of a VPC.
type CIDRAssociation struct {
	ID   string       `msg:"i"`
	CIDR netip.Prefix `msg:"c"`
}

// Subnet is a range of a VPC in one zone.
type Subnet struct {
	ID             string       `msg:"i"`
	Account        string       `msg:"a"`
	VPC            string       `msg:"v"`
	Zone           string       `msg:"z"`
	CIDR           netip.Prefix `msg:"c"`
	DefaultForZone bool         `msg:"d,omitempty"`
	MapPublicIP    bool         `msg:"p,omitempty"`
	HostnameType   string       `msg:"h,omitempty"`  // ip-name (also when empty) or resource-name
	ResourceNameA  bool         `msg:"ha,omitempty"` // answer names made of instance ids
	ACL            string       `msg:"l"`            // its network ACL
	ACLAssociation string       `msg:"la"`
	RouteTable     string       `msg:"r,omitempty"` // empty: the VPC's main one
	RouteAssociate string       `msg:"ra,omitempty"`
	Created        time.Time    `msg:"t"`
}

// Interface is a network interface. All its addresses lie in its subnet.
type Interface struct {
	ID               string      `msg:"i"`
	Account          string      `msg:"a"`
	VPC              string      `msg:"v"`
	Subnet           string      `msg:"s"`
	Zone             string      `msg:"z"`
	MAC              string      `msg:"m"` // 0a:1b:2c:3d:4e:5f
	Description      string      `msg:"d,omitempty"`
	Addresses        []Address   `msg:"p"` // the first is the primary one
	Groups           []string    `msg:"g"` // ids of security groups
	SourceDestCheck  bool        `msg:"c,omitempty"`
	AutoPublic       bool        `msg:"u,omitempty"` // takes a public address whenever its instance starts
	RequesterManaged bool        `msg:"rm,omitempty"`
	Requester        string      `msg:"rq,omitempty"`
	Attachment       *Attachment `msg:"at"` // nil: available
	Created          time.Time   `msg:"t"`
}

// Address is a private address of an interface, with the public one that is translated to it.
type Address struct {
	Private     netip.Addr `msg:"p"`
	Public      netip.Addr `msg:"u"`            // invalid: none
	Allocation  string     `msg:"l,omitempty"`  // of an Elastic IP; empty for an automatic public address
	Association string     `msg:"as,omitempty"` // of an Elastic IP
}

// Attachment says which instance holds an interface.
type Attachment struct {
	ID                  string    `msg:"i"`
	Instance            string    `msg:"n"`
	InstanceAccount     string    `msg:"a"`
	DeviceIndex         int       `msg:"x"`
	NetworkCard         int       `msg:"k,omitempty"`
	DeleteOnTermination bool      `msg:"d,omitempty"`
	Time                time.Time `msg:"t"`
}

// Group is a security group with its rules.
type Group struct {
	ID          string    `msg:"i"`
	Account     string    `msg:"a"`
	VPC         string    `msg:"v"`
	Name        string    `msg:"n"`
	Description string    `msg:"d"`
	Rules       []Rule    `msg:"r"`
	Created     time.Time `msg:"t"`
}

// Any stands for all protocols or ports or ICMP types and codes.
const Any = -1

// Rule allows packets from (ingress) or to (egress) one peer: a range of addresses or the members of a group.
type Rule struct {
	ID          string       `msg:"i"`
	Egress      bool         `msg:"e,omitempty"`
	Protocol    int          `msg:"p"` // IANA's number or Any
	From        int          `msg:"f"` // port, or ICMP type; Any
	To          int          `msg:"o"` // port, or ICMP code; Any
	CIDR        netip.Prefix `msg:"c"` // masked; invalid when Group is set
	Group       string       `msg:"g,omitempty"`
	Description string       `msg:"d,omitempty"`
}

// RouteTable tells where packets of its subnets go, beside the VPC's own ranges, which are always local.
type RouteTable struct {
	ID      string    `msg:"i"`
	Account string    `msg:"a"`
	VPC     string    `msg:"v"`
	Routes  []Route   `msg:"r"`
	Created time.Time `msg:"t"`
}

// Route sends a range of addresses to a target: exactly one of the last three is set.
type Route struct {
	Destination netip.Prefix `msg:"d"`
	Gateway     string       `msg:"g,omitempty"` // an internet gateway
	NATGateway  string       `msg:"n,omitempty"`
	Interface   string       `msg:"e,omitempty"`
}

// Gateway is an internet gateway.
type Gateway struct {
	ID      string    `msg:"i"`
	Account string    `msg:"a"`
	VPC     string    `msg:"v,omitempty"` // empty: detached
	Created time.Time `msg:"t"`
}

// ACL is a network ACL: ordered, stateless rules at the edge of its subnets.
type ACL struct {
	ID      string     `msg:"i"`
	Account string     `msg:"a"`
	VPC     string     `msg:"v"`
	Default bool       `msg:"d,omitempty"`
	Entries []ACLEntry `msg:"e"` // sorted by direction and number; the last deny is implied
	Created time.Time  `msg:"t"`
}

// ACLEntry is one rule of an ACL.
type ACLEntry struct {
	Number   int          `msg:"n"`
	Egress   bool         `msg:"e,omitempty"`
	Allow    bool         `msg:"a,omitempty"`
	Protocol int          `msg:"p"` // IANA's number or Any
	CIDR     netip.Prefix `msg:"c"`
	From     int          `msg:"f"` // port; of TCP and UDP only
	To       int          `msg:"o"`
	ICMPType int          `msg:"y"` // of ICMP only
	ICMPCode int          `msg:"k"`
}

// DHCPOptions is a set of DHCP options.
type DHCPOptions struct {
	ID      string       `msg:"i"`
	Account string       `msg:"a"`
	Options []DHCPOption `msg:"o"` // sorted by key
	Default bool         `msg:"d,omitempty"`
	Created time.Time    `msg:"t"`
}

// DHCPOption is one option with its values.
type DHCPOption struct {
	Key    string   `msg:"k"` // domain-name-servers, domain-name, ntp-servers, netbios-name-servers, netbios-node-type
	Values []string `msg:"v"`
}

// ElasticIP is a public address that belongs to an account until it is released.
type ElasticIP struct {
	Allocation  string     `msg:"i"`
	Account     string     `msg:"a"`
	Public      netip.Addr `msg:"p"`
	Association string     `msg:"as,omitempty"`
	Interface   string     `msg:"e,omitempty"`
	Private     netip.Addr `msg:"v"`
	Created     time.Time  `msg:"t"`
}

// holderRecord says to whom an address (private or public) or a name belongs.
type holderRecord struct {
	ID string `msg:"i"`
}

// defaultsRecord notes that an account's default VPC was made; empty when it was deleted since.
type defaultsRecord struct {
	VPC string `msg:"v,omitempty"`
}
