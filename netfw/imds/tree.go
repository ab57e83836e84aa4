package imds

import (
	"context"
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A tree is all paths of an instance and what they answer. Folders follow from the paths, so a folder lists exactly what
// answers.
type tree map[string]func(context.Context) ([]byte, error)

func (t tree) put(path, value string) {
	t[path] = func(context.Context) ([]byte, error) { return []byte(value), nil }
}

// some puts a value that may be missing.
func (t tree) some(path, value string) {
	if value != "" {
		t.put(path, value)
	}
}

// list lists a folder, or nil if there is none. The empty path is the root.
func (t tree) list(path string) []string {
	if path != "" {
		path += "/"
	}
	seen := map[string]bool{}
	for p := range t {
		rest, ok := strings.CutPrefix(p, path)
		if !ok {
			continue
		}
		name, _, deeper := strings.Cut(rest, "/")
		if deeper {
			name += "/"
		}
		seen[name] = true
	}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func joined[T any](all []T, text func(T) string) string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = text(v)
	}
	return strings.Join(out, "\n")
}

func addrs(all []netip.Addr) string { return joined(all, netip.Addr.String) }

func prefixes(all []netip.Prefix) string { return joined(all, netip.Prefix.String) }

// metadata is the tree below a version.
func (i *Instance) metadata(id *Identity) tree {
	t := tree{}
	const m = "meta-data/"
	t.put(m+"ami-id", i.ImageID)
	t.put(m+"ami-launch-index", strconv.Itoa(i.LaunchIndex))
	t.put(m+"ami-manifest-path", "(unknown)")
	t.put(m+"instance-action", "none")
	t.put(m+"instance-id", i.ID)
	t.put(m+"instance-life-cycle", or(i.LifeCycle, "on-demand"))
	t.put(m+"instance-type", i.InstanceType)
	t.put(m+"hibernation/configured", "false")
	t.put(m+"profile", "default-hvm")
	t.put(m+"events/maintenance/history", "[]")
	t.put(m+"events/maintenance/scheduled", "[]")
	t.some(m+"hostname", i.Hostname)
	t.some(m+"local-hostname", i.Hostname)
	t.some(m+"public-hostname", i.PublicHostname)
	if i.PublicIP.IsValid() {
		t.put(m+"public-ipv4", i.PublicIP.String())
	}
	t.some(m+"kernel-id", i.KernelID)
	t.some(m+"ramdisk-id", i.RamdiskID)
	t.some(m+"reservation-id", i.ReservationID)
	t.some(m+"product-codes", strings.Join(i.ProductCodes, "\n"))
	t.some(m+"security-groups", strings.Join(i.Groups, "\n"))
	t.put(m+"services/domain", or(i.Domain, "amazonaws.com"))
	t.put(m+"services/partition", "aws")
	t.some(m+"placement/availability-zone", i.AvailabilityZone)
	t.some(m+"placement/availability-zone-id", i.AvailabilityZoneID)
	t.some(m+"placement/region", i.Region)
	t.some(m+"placement/group-name", i.PlacementGroup)
	t.some(m+"placement/host-id", i.HostID)
	if i.Partition > 0 {
		t.put(m+"placement/partition-number", strconv.Itoa(i.Partition))
	}
	for name, dev := range i.BlockDevices {
		if plain(name) {
			t.put(m+"block-device-mapping/"+name, dev)
		}
	}
	for k, key := range i.Keys {
		t.put(m+"public-keys/"+strconv.Itoa(k)+"/openssh-key", key.OpenSSH)
	}
	if i.TagsEnabled {
		for k, v := range i.Tags {
			if plain(k) && k != "_index" {
				t.put(m+"tags/instance/"+k, v)
			}
		}
	}
	i.interfaces(t, m)
	i.role(t, m)
	i.dynamic(t, id)
	if len(i.UserData) > 0 {
		t["user-data"] = func(context.Context) ([]byte, error) { return i.UserData, nil }
	}
	return t
}

// plain holds for names that can be one step of a path.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/ \n\r")
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

func (i *Instance) interfaces(t tree, m string) {
	for k, n := range i.Interfaces {
		if k == 0 {
			t.some(m+"mac", n.MAC)
			if len(n.LocalIPs) > 0 {
				t.put(m+"local-ipv4", n.LocalIPs[0].String())
			}
			if len(n.IPv6s) > 0 {
				t.put(m+"ipv6", n.IPv6s[0].String())
			}
		}
		d := m + "network/interfaces/macs/" + n.MAC + "/"
		t.put(d+"device-number", strconv.Itoa(n.DeviceIndex))
		t.put(d+"network-card", strconv.Itoa(n.NetworkCard))
		t.put(d+"interface-id", n.ID)
		t.put(d+"mac", n.MAC)
		t.some(d+"owner-id", n.OwnerID)
		t.some(d+"local-ipv4s", addrs(n.LocalIPs))
		t.some(d+"ipv6s", addrs(n.IPv6s))
		t.some(d+"local-hostname", n.LocalHostname)
		t.some(d+"security-group-ids", strings.Join(n.GroupIDs, "\n"))
		t.some(d+"security-groups", strings.Join(n.GroupNames, "\n"))
		t.some(d+"subnet-id", n.SubnetID)
		t.some(d+"vpc-id", n.VPCID)
		if n.SubnetCIDR.IsValid() {
			t.put(d+"subnet-ipv4-cidr-block", n.SubnetCIDR.String())
		}
		t.some(d+"subnet-ipv6-cidr-blocks", prefixes(n.SubnetIPv6))
		if len(n.VPCCIDRs) > 0 {
			t.put(d+"vpc-ipv4-cidr-block", n.VPCCIDRs[0].String())
			t.put(d+"vpc-ipv4-cidr-blocks", prefixes(n.VPCCIDRs))
		}
		t.some(d+"vpc-ipv6-cidr-blocks", prefixes(n.VPCIPv6))
		public := make([]netip.Addr, 0, len(n.PublicIPs))
		for p, private := range n.PublicIPs {
			t.put(d+"ipv4-associations/"+p.String(), private.String())
			public = append(public, p)
		}
		slices.SortFunc(public, netip.Addr.Compare)
		t.some(d+"public-ipv4s", addrs(public))
		t.some(d+"public-hostname", n.PublicHostname)
	}
}

// document is JSON as the service writes it, a name a line and a space on both sides of the colon: scripts cut it apart by that.
func document(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return nameEnd.ReplaceAll(b, []byte("$1 : ")), err
}

var nameEnd = regexp.MustCompile(`(?m)^(  "\w+"): `)

// moment is how the service writes times.
const moment = "2006-01-02T15:04:05Z"

func (i *Instance) role(t tree, m string) {
	r := i.Role
	if r == nil || !plain(r.Name) {
		return
	}
	t[m+"iam/info"] = func(context.Context) ([]byte, error) {
		return document(struct {
			Code               string
			LastUpdated        string
			InstanceProfileArn string
			InstanceProfileID  string `json:"InstanceProfileId"`
		}{"Success", i.Launched.UTC().Format(moment), r.ProfileARN, r.ProfileID})
	}
	if r.Credentials == nil {
		return
	}
	t[m+"iam/security-credentials/"+r.Name] = func(ctx context.Context) ([]byte, error) {
		c, err := r.Credentials(ctx)
		if err != nil {
			return nil, err
		}
		return document(struct {
			Code            string
			LastUpdated     string
			Type            string
			AccessKeyID     string `json:"AccessKeyId"`
			SecretAccessKey string
			Token           string
			Expiration      string
		}{"Success", c.LastUpdated.UTC().Format(moment), "AWS-HMAC", c.AccessKeyID, c.SecretAccessKey, c.Token, c.Expiration.UTC().Format(moment)})
	}
}

func (i *Instance) dynamic(t tree, id *Identity) {
	const d = "dynamic/"
	t.put(d+"fws/instance-monitoring", "disabled")
	doc := func(make func([]byte) (string, error)) func(context.Context) ([]byte, error) {
		return func(context.Context) ([]byte, error) {
			b, err := i.document()
			if err != nil || make == nil {
				return b, err
			}
			s, err := make(b)
			return []byte(s), err
		}
	}
	t[d+"instance-identity/document"] = doc(nil)
	if id != nil {
		t[d+"instance-identity/signature"] = doc(id.signature)
		t[d+"instance-identity/pkcs7"] = doc(id.pkcs7)
		t[d+"instance-identity/rsa2048"] = doc(id.pkcs7)
	}
}

// versions are those that the service lists. Any other that looks like a date is taken too.
func versions() []string {
	return []string{"1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
		"2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05", "2015-10-20", "2016-04-19",
		"2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01", "2020-10-27", "2021-01-03",
		"2021-03-23", "2021-07-15", "2022-09-24", "2024-04-11", "latest"}
}

func isVersion(s string) bool {
	if s == "latest" || s == "1.0" {
		return true
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
