package netfw

import "strings"

// TapName is the name of the tap of an interface: the prefix, t, and the end of the id's hex digits, 15 characters at most.
func TapName(prefix, iface string) string { return prefix + "t" + tail(iface, 14-len(prefix)) }

// NamespaceName is the name of the namespace of a network, as ip netns shows it.
func NamespaceName(prefix, network string) string { return prefix + "-" + tail(network, 32) }

// tail is the end of what follows the last dash of an id, n characters at most.
func tail(id string, n int) string {
	if i := strings.LastIndexByte(id, '-'); i >= 0 {
		id = id[i+1:]
	}
	if len(id) > n {
		id = id[len(id)-n:]
	}
	return id
}

// uplinkName is the name of the host's end of the uplink of a network.
func uplinkName(prefix, network string) string { return prefix + "u" + tail(network, 14-len(prefix)) }

// alias is what the host writes on a tap or an uplink, so that it knows its own again.
func alias(prefix string, ids ...string) string {
	return "aureole " + prefix + " " + strings.Join(ids, " ")
}
