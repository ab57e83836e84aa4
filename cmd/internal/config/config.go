// Package config reads the settings of the process: command-line flags, then AUREOLE_* environment
// variables, then a YAML file, then defaults, the first that speaks wins.
//
// Guarantees: every setting has one name, used as flag (--tls-cert), as variable (AUREOLE_TLS_CERT) and
// as key of the file (tls-cert); an unknown key or a bad value is an error that names the key and where
// it came from; a Config that Load returned has passed Validate.
//
// It opens nothing but the YAML file and knows nothing of what the settings mean to the parts of the server.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/dialect"
)

// Config is the settings of one process.
type Config struct {
	Data        []string // data folders; the first holds the store, each holds a device
	Listen      string   // host:port of the API
	AdminListen string   // host:port of health, metrics and the admin API; "off" for none

	Replicas       int      // copies of each large object; 0 means min(3, devices)
	Region         string   // the region the server says it is
	StrictRegion   bool     // refuse signatures made for another region
	S3Dialect      string   // whose answers S3 gives where servers differ: aws or ceph
	Zones          int      // availability zones that EC2 offers: REGIONa, REGIONb, …
	Domains        []string // base names of virtual-host addressing: BUCKET.NAME
	WebsiteDomains []string // base names of websites: BUCKET.NAME
	WebsiteListen  string   // host:port where there are only websites; "" for none
	Hypervisor     string   // off, libvirt or test

	DefaultEncryption string // of buckets that say nothing: none or AES256
	CustomerKeysTLS   bool   // refuse SSE-C over plain HTTP

	PublicAddresses []string      // ranges that public addresses of instances come from
	LibvirtSocket   string        // where libvirtd listens
	HostPrefix      string        // begins the names of what is made on the host: taps, namespaces, tables
	InstanceFolder  string        // for disks and cached images; "" is in the first data folder
	InstanceTypes   string        // file of instance types beside those that come with the program
	VCPUOvercommit  float64       // virtual processors given out per processor
	HostMemory      int64         // bytes of memory that instances may have; 0 is all of the host's
	QuotaInstances  int           // instances of an account
	QuotaVCPUs      int           // virtual processors of an account's instances that run
	QuotaVolumes    int           // volumes of an account
	Quotas          []string      // other quotas of every account, NAME=NUMBER
	TerminatedFor   time.Duration // how long terminated instances stay visible

	TLSCert       string   // PEM file of the certificate chain
	TLSKey        string   // PEM file of its key
	TLSSelfSigned bool     // make a certificate by a CA of our own in the data folder
	TLSNames      []string // further names and addresses for the self-signed certificate

	LogFormat string // text or json
	LogLevel  string // debug, info, warn or error
	AccessLog string // all, errors or off
	Pprof     bool   // serve profiles on the admin listener

	MemoryLimit     int64         // soft limit of the Go heap in bytes; 0 is none
	CacheSize       int64         // bytes of the store's block cache and memtables, which share them: 128 MiB hold most of the rows of 1,000,000 objects
	ShutdownTimeout time.Duration // how long requests in flight may take when the server stops

	DeleteGrace time.Duration // how long the blobs of deleted objects stay for readers under way
	OrphanGrace time.Duration // how old a blob must be before it can count as left behind by a crash

	DefaultOwnership  string // of new buckets: BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter
	BlockPublicAccess bool   // of new buckets, until they say otherwise
	DefaultTransition string // which small objects lifecycle rules move: all_storage_classes_128K or varies_by_storage_class

	RootAccessKeyID     string // given instead of generated, at the first start
	RootSecretAccessKey string
	RootAccountID       string

	LifecycleDay time.Duration // length of a day for lifecycle rules, shortened by tests
}

// EncryptionS3 is SSE-S3 as S3 calls it.
const EncryptionS3 = "AES256"

// Default is the settings of a server that was told nothing.
func Default() Config {
	return Config{
		Data:              []string{"./data"},
		Listen:            "127.0.0.1:9000",
		AdminListen:       "127.0.0.1:9001",
		Region:            "us-east-1",
		S3Dialect:         dialect.NameAmazon,
		Zones:             3, // as templates made for AWS expect, which spread over so many
		Hypervisor:        "off",
		DefaultEncryption: "none",
		LogFormat:         "text",
		LogLevel:          "info",
		AccessLog:         "errors",
		MemoryLimit:       224 << 20,
		CacheSize:         128 << 20,
		ShutdownTimeout:   20 * time.Second,
		DeleteGrace:       10 * time.Minute,
		OrphanGrace:       24 * time.Hour,

		PublicAddresses: []string{"100.65.0.0/16"},
		LibvirtSocket:   "/var/run/libvirt/libvirt-sock",
		HostPrefix:      "au",
		VCPUOvercommit:  16,
		QuotaInstances:  10_000,
		QuotaVCPUs:      20_000,
		QuotaVolumes:    20_000,
		TerminatedFor:   time.Hour,

		DefaultOwnership:  "BucketOwnerEnforced",
		DefaultTransition: "all_storage_classes_128K",
		LifecycleDay:      24 * time.Hour,
	}
}

const maxZones = 6

// ZoneNames names the availability zones.
func (c *Config) ZoneNames() []string {
	names := make([]string, c.Zones)
	for i := range names {
		names[i] = c.Region + string(rune('a'+i))
	}
	return names
}

// TLS reports whether the API is served over TLS.
func (c *Config) TLS() bool { return c.TLSSelfSigned || c.TLSCert != "" }

// Validate checks the settings and makes data folders absolute. Its errors name the setting.
func (c *Config) Validate() error {
	if err := c.validateData(); err != nil {
		return err
	}
	if err := checkAddress("listen", c.Listen); err != nil {
		return err
	}
	if c.AdminListen != "off" {
		if err := checkAddress("admin-listen", c.AdminListen); err != nil {
			return err
		}
	}
	if c.Replicas < 0 || c.Replicas > 16 {
		return fmt.Errorf("replicas: %d is outside 0 (automatic) to 16", c.Replicas)
	}
	if c.Region == "" || strings.ContainsAny(c.Region, "/ \t\n") {
		return fmt.Errorf("region: %q is not a region name", c.Region)
	}
	if c.Zones < 1 || c.Zones > maxZones {
		return fmt.Errorf("zones: %d is outside 1 to %d", c.Zones, maxZones)
	}
	if c.WebsiteListen != "" {
		if err := checkAddress("website-listen", c.WebsiteListen); err != nil {
			return err
		}
	}
	if err := errors.Join(checkNames("domain", c.Domains), checkNames("website-domain", c.WebsiteDomains)); err != nil {
		return err
	}
	for _, f := range []struct {
		name, value string
		allowed     []string
	}{
		{"hypervisor", c.Hypervisor, []string{"off", "libvirt", "test"}},
		{"default-encryption", c.DefaultEncryption, []string{"none", EncryptionS3}},
		{"log-format", c.LogFormat, []string{"text", "json"}},
		{"log-level", c.LogLevel, []string{"debug", "info", "warn", "error"}},
		{"default-object-ownership", c.DefaultOwnership, []string{"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}},
		{"default-transition-size", c.DefaultTransition, []string{"all_storage_classes_128K", "varies_by_storage_class"}},
		{"s3-dialect", c.S3Dialect, dialect.Names()},
		{"access-log", c.AccessLog, []string{"all", "errors", "off"}},
	} {
		if !oneOf(f.value, f.allowed) {
			return fmt.Errorf("%s: %q is none of %s", f.name, f.value, strings.Join(f.allowed, ", "))
		}
	}
	if err := c.validateTLS(); err != nil {
		return err
	}
	if c.MemoryLimit < 0 || c.MemoryLimit > 0 && c.MemoryLimit < 64<<20 {
		return fmt.Errorf("memory-limit: %d bytes is below 64MiB; 0 sets no limit", c.MemoryLimit)
	}
	if c.CacheSize < 1<<20 {
		return fmt.Errorf("cache-size: %d bytes is below 1MiB", c.CacheSize)
	}
	if c.ShutdownTimeout <= 0 {
		return fmt.Errorf("shutdown-timeout: %v is not positive", c.ShutdownTimeout)
	}
	if c.DeleteGrace <= 0 || c.OrphanGrace <= 0 {
		return fmt.Errorf("delete-grace %v and orphan-grace %v: both must be positive", c.DeleteGrace, c.OrphanGrace)
	}
	if c.LifecycleDay < time.Second {
		return fmt.Errorf("lifecycle-day: %v is below one second", c.LifecycleDay)
	}
	if err := c.validateMachines(); err != nil {
		return err
	}
	return c.validateRoot()
}

// validateMachines checks what concerns instances.
func (c *Config) validateMachines() error {
	for _, a := range c.PublicAddresses {
		p, err := netip.ParsePrefix(a)
		if err != nil || !p.Addr().Is4() || p.Masked() != p || p.Bits() > 30 {
			return fmt.Errorf("public-addresses: %q is no range of IPv4 addresses such as 100.65.0.0/16", a)
		}
	}
	if ok, _ := regexp.MatchString("^[a-z][a-z0-9]{1,2}$", c.HostPrefix); !ok {
		return fmt.Errorf("host-prefix: %q is not two or three lower case letters or digits, a letter first", c.HostPrefix)
	}
	if c.InstanceFolder != "" {
		abs, err := filepath.Abs(c.InstanceFolder)
		if err != nil {
			return fmt.Errorf("instance-folder: %w", err)
		}
		c.InstanceFolder = abs
	}
	if c.InstanceTypes != "" {
		abs, err := filepath.Abs(c.InstanceTypes)
		if err != nil {
			return fmt.Errorf("instance-types: %w", err)
		}
		c.InstanceTypes = abs
	}
	switch {
	case c.VCPUOvercommit < 1 || c.VCPUOvercommit > 1000:
		return fmt.Errorf("vcpu-overcommit: %v is outside 1 to 1000", c.VCPUOvercommit)
	case c.HostMemory < 0:
		return fmt.Errorf("host-memory: %d bytes is negative", c.HostMemory)
	case c.QuotaInstances < 0 || c.QuotaVCPUs < 0:
		return fmt.Errorf("quota-instances %d and quota-vcpus %d: neither may be negative", c.QuotaInstances, c.QuotaVCPUs)
	case c.QuotaVolumes < 1:
		return fmt.Errorf("quota-volumes: %d is not positive", c.QuotaVolumes)
	case c.TerminatedFor <= 0:
		return fmt.Errorf("terminated-for: %v is not positive", c.TerminatedFor)
	}
	return nil
}

func (c *Config) validateData() error {
	if len(c.Data) == 0 {
		return fmt.Errorf("data: at least one folder is needed")
	}
	seen := map[string]bool{}
	for i, d := range c.Data {
		if d == "" {
			return fmt.Errorf("data: an empty folder name")
		}
		abs, err := filepath.Abs(d)
		if err != nil {
			return fmt.Errorf("data: %w", err)
		}
		if seen[abs] {
			return fmt.Errorf("data: %s is given twice", abs)
		}
		seen[abs] = true
		c.Data[i] = abs
	}
	return nil
}

func (c *Config) validateTLS() error {
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return fmt.Errorf("tls-cert and tls-key: one is given without the other")
	case c.TLSCert != "" && c.TLSSelfSigned:
		return fmt.Errorf("tls-self-signed: cannot be combined with tls-cert")
	case len(c.TLSNames) > 0 && !c.TLSSelfSigned:
		return fmt.Errorf("tls-name: only a certificate of our own can take further names; it needs tls-self-signed")
	}
	return nil
}

func (c *Config) validateRoot() error {
	if (c.RootAccessKeyID == "") != (c.RootSecretAccessKey == "") {
		return fmt.Errorf("root-access-key-id and root-secret-access-key: one is given without the other")
	}
	if k := c.RootAccessKeyID; k != "" {
		if len(k) < 3 || len(k) > 128 || strings.ContainsAny(k, "/=,: \t\r\n") {
			return fmt.Errorf("root-access-key-id: %q is not 3 to 128 characters without '/', '=', ',', ':' or spaces", k)
		}
		if n := len(c.RootSecretAccessKey); n < 8 || n > 256 || strings.ContainsAny(c.RootSecretAccessKey, "\r\n") {
			return fmt.Errorf("root-secret-access-key: must be 8 to 256 characters on one line")
		}
	}
	if id := c.RootAccountID; id != "" {
		if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
			return fmt.Errorf("root-account-id: %q is not 12 digits", id)
		}
	}
	return nil
}

func checkNames(name string, hosts []string) error {
	for _, h := range hosts {
		if h == "" || strings.ContainsAny(h, "/: \t\n") || strings.HasPrefix(h, ".") {
			return fmt.Errorf("%s: %q is not a host name such as s3.example.org", name, h)
		}
	}
	return nil
}

func checkAddress(name, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s: %q is not HOST:PORT such as 127.0.0.1:9000: %w", name, addr, err)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%s: %q has no port from 0 to 65535", name, addr)
	}
	return nil
}

func oneOf(s string, allowed []string) bool {
	for _, a := range allowed {
		if s == a {
			return true
		}
	}
	return false
}
