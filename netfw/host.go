package netfw

import (
	"errors"
	"log/slog"
	"net/netip"

	"github.com/aureole-cloud/aureole/netfw/imds"
)

// Errors of a Host. They come wrapped.
var (
	// ErrPrivilege: the process may not administer the network. The message names all that it lacks.
	ErrPrivilege = errors.New("this process may not administer the network of the host")
	// ErrUnsupported: the kernel lacks something, which the message names.
	ErrUnsupported = errors.New("the kernel lacks what the network needs")
	// ErrInvalid: the desired state contradicts itself. Nothing was changed for the network, interface or group it names.
	ErrInvalid = errors.New("invalid network")
	// ErrNotFound: no network or interface of that id was applied.
	ErrNotFound = errors.New("no such network or interface")
	// ErrInUse: a guest holds the tap.
	ErrInUse = errors.New("a guest holds the tap")
	// ErrNoTap: there is no tap to plug; call PrepareTap and start the guest.
	ErrNoTap = errors.New("the interface has no tap")
	// ErrClosed: the host was closed.
	ErrClosed = errors.New("network is closed")
)

// Config says how a Host works.
type Config struct {
	// Prefix begins the name of all that the host makes: two or three lower case letters or digits, a letter first. Two
	// servers on one machine need different ones. Empty means au.
	Prefix string
	// Metadata answers for the metadata service. Nil turns the service off.
	Metadata imds.Source
	// Identity signs instance identity documents. Nil leaves the signatures out of the tree.
	Identity *imds.Identity
	// TokenKey seals the tokens of the metadata service. Given the same key, tokens outlive a restart; nil makes a random one.
	TokenKey []byte
	// Resolvers are asked for names that are no instance's. Nil means those of /etc/resolv.conf.
	Resolvers []netip.AddrPort
	// Uplinks is the block that networks get their own address on the host from, for Address.Egress: 100.64.0.0/16 if zero.
	Uplinks netip.Prefix
	// Masquerade hides public addresses behind the host's own when packets leave the host. Set it unless the public
	// addresses are routed to this host.
	Masquerade bool
	// Isolated keeps networks from the host and from each other: no uplink is made.
	Isolated bool
	// Log gets what cannot be returned. Nil means nothing is logged.
	Log *slog.Logger
}

// State says how far an interface is.
type State string

// The states of an interface.
const (
	Absent   State = "absent"   // there is no tap
	Prepared State = "prepared" // the tap is in the host's namespace; the guest may be started paused
	Plugged  State = "plugged"  // the tap is in the network's namespace, behind its firewall
)

// A Status is what is seen of an interface.
type Status struct {
	ID    string
	Tap   string
	State State
	// Carrier tells whether a guest holds the tap open. It is known of a plugged one only.
	Carrier bool
	Counters
}

// Counters are what passed and what did not.
type Counters struct {
	// InBytes and OutBytes, InPackets and OutPackets are seen from the guest, since it was plugged: in is what it received.
	InBytes, OutBytes, InPackets, OutPackets uint64
	// DeniedIn and DeniedOut are packets that no rule of the groups allowed, since the interface was applied.
	DeniedIn, DeniedOut uint64
	// Spoofed are packets, and SpoofedARP ARP messages, that were not the interface's to send.
	Spoofed, SpoofedARP uint64
}

// A Leftover is something of this host's making that no applied network has.
type Leftover struct {
	// Kind is namespace, tap, uplink or table.
	Kind string
	Name string
}
