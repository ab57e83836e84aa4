package lint

import (
	"slices"
	"strings"
)

// layers says which packages of the module a package may import: the longest prefix of its path decides. A trailing /...
// covers a package and all below it. Whatever has no line may not exist, so that a new package is a decision.
var layers = map[string][]string{
	"cmd": {"cmd/...", "s3api/...", "ec2api/...", "iamapi/...", "core/...", "storage/...", "hypervisor/...", "netfw/..."},

	"s3api":  {"s3api/...", "core/..."},
	"ec2api": {"ec2api/...", "core/..."},
	// STS and IAM speak the protocol of EC2.
	"iamapi": {"core/...", "ec2api/ec2err", "ec2api/ec2xml", "ec2api/query", "ec2api/queryauth"},

	"core/errs":       {},
	"core/ids":        {},
	"core/itype":      {},
	"core/keypair":    {"core/errs", "core/ids", "core/tags", "storage/kv", "storage/keys"},
	"core/idem":       {"core/errs", "storage/kv", "storage/keys"},
	"core/tags":       {"core/errs", "storage/kv", "storage/keys"},
	"core/rows":       {"core/errs", "storage/kv", "storage/keys"},
	"core/checksum":   {},
	"core/s3select":   {},
	"core/dialect":    {},
	"core/sigv4":      {"core/errs"},
	"core/iam/policy": {"core/errs"},
	"core/iam":        {"core/errs", "core/iam/policy", "core/rows", "storage/kv", "storage/keys"},
	"core/network":    {"core/errs", "core/idem", "core/ids", "core/tags", "storage/keys", "core/rows", "storage/kv"},
	"core/kms":        {"core/errs", "core/iam", "core/rows", "storage/kv", "storage/keys"},
	"core/object":     {"core/errs", "core/checksum", "core/dialect", "core/iam", "core/kms", "core/iam/policy", "core/rows", "storage/blob", "storage/blobref", "storage/blobs", "storage/keys", "storage/kv", "storage/repair"},
	"core/rehearsal":  {"storage/kv"},
	"core/schedule":   {},
	"core/compute":    {"core/errs", "core/iam", "core/idem", "core/ids", "core/network", "core/schedule", "core/tags", "storage/keys", "core/rows", "storage/kv"},
	// The agent is where the cloud meets the host.
	"core/agent": {"core/compute", "core/network", "core/tags", "hypervisor", "netfw", "netfw/imds", "core/rows", "storage/kv"},

	"core/remote": {"core/errs", "core/iam", "core/object", "storage/keys", "storage/kv"},

	"storage/blobref":            {},
	"storage/keys":               {},
	"storage/kv":                 {},
	"storage/kv/fsm":             {"storage/keys", "storage/kv"},
	"storage/kv/local":           {"storage/keys", "storage/kv", "storage/kv/fsm"},
	"storage/kv/local/localtest": {"storage/kv", "storage/kv/local"},
	"storage/kv/kvtest":          {"storage/keys", "storage/kv"},
	"storage/ring":               {"storage/blobref"},
	"storage/blob":               {"storage/blobref"},
	"storage/blobs":              {"storage/blob", "storage/blobref", "storage/ring"},
	"storage/repair":             {"storage/blob", "storage/blobref", "storage/blobs", "storage/kv", "storage/ring"},

	"netfw":      {"netfw/..."},
	"netfw/nft":  {},
	"netfw/link": {},
	"netfw/dhcp": {},
	"netfw/dns":  {},
	"netfw/imds": {},

	"hypervisor":           {},
	"hypervisor/libvirt":   {"hypervisor"},
	"hypervisor/hypertest": {"hypervisor"},
	"hypervisor/image":     {"hypervisor"},
	"hypervisor/tinyimage": {},

	"integration": {"integration/...", "core/checksum", "core/sigv4"},
}

// libraries names the packages outside of the module that only some may import: the prefix of the library, and those who
// may. They keep a technology in one place, so that it can be replaced there.
var libraries = map[string][]string{
	"github.com/hashicorp/raft":          {"storage/kv/replicated"},
	"github.com/cockroachdb/pebble/v2":   {"storage/..."},
	"github.com/gofiber/":                {"s3api/...", "ec2api/...", "iamapi/...", "cmd/internal/dispatch", "cmd/internal/server"},
	"github.com/valyala/fasthttp":        {"s3api/...", "ec2api/...", "iamapi/...", "cmd/internal/dispatch", "cmd/internal/server"},
	"github.com/spf13/":                  {"cmd/..."},
	"github.com/knadh/":                  {"cmd/..."},
	"github.com/prometheus/":             {"cmd/...", "integration/..."},
	"github.com/aws/":                    {"core/remote", "integration/..."},
	"github.com/nats-io/":                {"core/remote"},
	"github.com/vishvananda/":            {"netfw/..."},
	"github.com/google/nftables":         {"netfw/nft"},
	"github.com/insomniacslk/dhcp":       {"netfw/dhcp"},
	"github.com/miekg/dns":               {"netfw/dns"},
	"encoding/xml":                       {"s3api/...", "hypervisor/libvirt", "integration/..."},
	"log":                                {},
	"net/http":                           {"core/remote", "cmd/...", "s3api/...", "netfw/imds", "integration/..."},
	"github.com/digitalocean/go-libvirt": {"hypervisor/libvirt"},
	"libvirt.org/go/libvirtxml":          {"hypervisor/libvirt"},
}

// Imports finds imports that go against the layers. Tests may import more libraries, and conformance suites, but never a
// layer above their own.
func Imports(pkgs []*Package) []Finding {
	var found []Finding
	for _, p := range pkgs {
		from := p.Path()
		allowed, ok := layerOf(from)
		if !ok {
			found = append(found, Finding{p.ImportPath, "is in no layer; add it to the table in integration/lint/layers.go"})
			continue
		}
		for _, imp := range p.Imports {
			to, own := strings.CutPrefix(imp, Module+"/")
			switch {
			case own && to != from && !matches(to, allowed):
				found = append(found, Finding{p.ImportPath, "may not import " + to})
			case !own && !libraryAllowed(imp, from):
				found = append(found, Finding{p.ImportPath, "may not import " + imp})
			}
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			to, own := strings.CutPrefix(imp, Module+"/")
			if own && rank(to) > rank(from) {
				found = append(found, Finding{p.ImportPath, "its tests may not import " + to + ", a layer above"})
			}
		}
	}
	return found
}

// layerOf finds the line of the longest prefix of path.
func layerOf(path string) ([]string, bool) {
	for prefix := path; ; {
		if l, ok := layers[prefix]; ok {
			return l, true
		}
		i := strings.LastIndexByte(prefix, '/')
		if i < 0 {
			return nil, false
		}
		prefix = prefix[:i]
	}
}

func libraryAllowed(imp, from string) bool {
	for lib, allowed := range libraries {
		if imp == strings.TrimSuffix(lib, "/") || strings.HasPrefix(imp, strings.TrimSuffix(lib, "/")+"/") && lib != "log" && lib != "net/http" {
			return matches(from, allowed)
		}
	}
	return true
}

func matches(path string, patterns []string) bool {
	for _, p := range patterns {
		base, all := strings.CutSuffix(p, "/...")
		if path == base || all && strings.HasPrefix(path, base+"/") {
			return true
		}
	}
	return false
}

// rank orders the layers from the bottom to the top; tests of a layer may use what is beside or below it, and
// everybody's tests may use what integration offers.
func rank(path string) int {
	for i, prefix := range []string{"integration", "storage", "netfw", "hypervisor", "core", "ec2api", "iamapi", "s3api", "cmd"} {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return i
		}
	}
	return -1
}
