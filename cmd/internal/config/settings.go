package config

import (
	"strings"

	"github.com/spf13/pflag"
)

// Setting describes one setting: the single list from which flags, environment variables, the keys of the
// file and the table of docs/operations.md come.
type Setting struct {
	Name   string // as flag and key
	Usage  string
	NoFlag bool // only by environment or file: secrets do not belong on a command line, where ps shows them
	Secret bool // never shown

	field func(*Config) any // pointer to the field; its type decides how the value is parsed
}

// Env is the name of the environment variable.
func (s Setting) Env() string {
	return "AUREOLE_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Settings is the list, in the order of the documentation.
func Settings() []Setting {
	return []Setting{
		{Name: "data", Usage: "data `folder`; repeat for more devices (the first also holds the store)",
			field: func(c *Config) any { return &c.Data }},
		{Name: "listen", Usage: "`host:port` of the S3 and EC2 endpoint", field: func(c *Config) any { return &c.Listen }},
		{Name: "admin-listen", Usage: "`host:port` of health, metrics and the admin API, or off",
			field: func(c *Config) any { return &c.AdminListen }},
		{Name: "replicas", Usage: "copies of each object on different devices; 0 means min(3, devices)",
			field: func(c *Config) any { return &c.Replicas }},
		{Name: "region", Usage: "`name` of the region", field: func(c *Config) any { return &c.Region }},
		{Name: "strict-region", Usage: "refuse signatures made for another region",
			field: func(c *Config) any { return &c.StrictRegion }},
		{Name: "s3-dialect", Usage: "whose `answers` S3 gives where servers differ: aws (Amazon S3) or ceph (Ceph's RADOS Gateway)",
			field: func(c *Config) any { return &c.S3Dialect }},
		{Name: "zones", Usage: "how many availability zones EC2 offers", field: func(c *Config) any { return &c.Zones }},
		{Name: "domain", Usage: "base `name` for virtual-host addressing, BUCKET.NAME; repeatable",
			field: func(c *Config) any { return &c.Domains }},
		{Name: "website-domain", Usage: "base `name` of websites, BUCKET.NAME; repeatable",
			field: func(c *Config) any { return &c.WebsiteDomains }},
		{Name: "website-listen", Usage: "`host:port` where every host is a website; none when not given",
			field: func(c *Config) any { return &c.WebsiteListen }},
		{Name: "default-encryption", Usage: "`method` for objects whose writer and bucket say nothing: none or AES256 (SSE-S3)",
			field: func(c *Config) any { return &c.DefaultEncryption }},
		{Name: "sse-c-tls-only", Usage: "refuse customers' keys (SSE-C) over plain HTTP, as Amazon does",
			field: func(c *Config) any { return &c.CustomerKeysTLS }},
		{Name: "hypervisor", Usage: "what runs instances: libvirt (as root), test (libvirt's test driver: no guests) or off",
			field: func(c *Config) any { return &c.Hypervisor }},
		{Name: "libvirt-socket", Usage: "UNIX `socket` of libvirtd", field: func(c *Config) any { return &c.LibvirtSocket }},
		{Name: "public-addresses", Usage: "`range` that public addresses of instances come from; repeatable",
			field: func(c *Config) any { return &c.PublicAddresses }},
		{Name: "host-prefix", Usage: "two or three `letters` that begin the names of taps and namespaces; differs between servers of one machine",
			field: func(c *Config) any { return &c.HostPrefix }},
		{Name: "instance-folder", Usage: "`folder` for disks of instances and cached images; in the first data folder if empty",
			field: func(c *Config) any { return &c.InstanceFolder }},
		{Name: "instance-types", Usage: "`file` (YAML or JSON) of instance types to add, change or hide",
			field: func(c *Config) any { return &c.InstanceTypes }},
		{Name: "vcpu-overcommit", Usage: "virtual processors given out per processor", field: func(c *Config) any { return &c.VCPUOvercommit }},
		{Name: "host-memory", Usage: "memory that instances may have, as `size`; 0 for all of the machine's",
			field: func(c *Config) any { return (*size)(&c.HostMemory) }},
		{Name: "quota-instances", Usage: "instances that an account may have", field: func(c *Config) any { return &c.QuotaInstances }},
		{Name: "quota-vcpus", Usage: "virtual processors that an account's running instances may have",
			field: func(c *Config) any { return &c.QuotaVCPUs }},
		{Name: "quota-volumes", Usage: "volumes that an account may have", field: func(c *Config) any { return &c.QuotaVolumes }},
		{Name: "quota", Usage: "another quota of every account, `NAME=NUMBER`; repeatable",
			field: func(c *Config) any { return &c.Quotas }},
		{Name: "terminated-for", Usage: "`time` that terminated instances stay visible", field: func(c *Config) any { return &c.TerminatedFor }},
		{Name: "tls-cert", Usage: "PEM `file` of the certificate chain; read again when it changes",
			field: func(c *Config) any { return &c.TLSCert }},
		{Name: "tls-key", Usage: "PEM `file` of the certificate's key", field: func(c *Config) any { return &c.TLSKey }},
		{Name: "tls-self-signed", Usage: "serve TLS with a certificate made and renewed in the data folder",
			field: func(c *Config) any { return &c.TLSSelfSigned }},
		{Name: "tls-name", Usage: "further `name` or address of the self-signed certificate; repeatable",
			field: func(c *Config) any { return &c.TLSNames }},
		{Name: "log-format", Usage: "text or json", field: func(c *Config) any { return &c.LogFormat }},
		{Name: "log-level", Usage: "debug, info, warn or error", field: func(c *Config) any { return &c.LogLevel }},
		{Name: "access-log", Usage: "requests to log: all, errors (failures of the server) or off",
			field: func(c *Config) any { return &c.AccessLog }},
		{Name: "pprof", Usage: "serve profiles at /debug/pprof/ of the admin listener",
			field: func(c *Config) any { return &c.Pprof }},
		{Name: "memory-limit", Usage: "soft limit of the heap, as `size` (224MiB); 0 for none",
			field: func(c *Config) any { return (*size)(&c.MemoryLimit) }},
		{Name: "cache-size", Usage: "block cache of the store, as `size`", field: func(c *Config) any { return (*size)(&c.CacheSize) }},
		{Name: "shutdown-timeout", Usage: "`time` that requests in flight get when the server stops",
			field: func(c *Config) any { return &c.ShutdownTimeout }},
		{Name: "delete-grace", Usage: "`time` that the blobs of deleted objects stay for readers under way",
			field: func(c *Config) any { return &c.DeleteGrace }},
		{Name: "orphan-grace", Usage: "`age` from which on a blob that nothing refers to is removed",
			field: func(c *Config) any { return &c.OrphanGrace }},
		{Name: "default-object-ownership", Usage: "`ownership` of new buckets: BucketOwnerEnforced (no access control lists), BucketOwnerPreferred or ObjectWriter",
			field: func(c *Config) any { return &c.DefaultOwnership }},
		{Name: "block-public-access", Usage: "block public access to new buckets in all four ways, until their block is changed",
			field: func(c *Config) any { return &c.BlockPublicAccess }},
		{Name: "default-transition-size", Usage: "`rule` for lifecycle configurations that name none: all_storage_classes_128K, or varies_by_storage_class, by which small objects go to archives too",
			field: func(c *Config) any { return &c.DefaultTransition }},
		{Name: "root-access-key-id", Usage: "key of the root account, given instead of generated", NoFlag: true,
			field: func(c *Config) any { return &c.RootAccessKeyID }},
		{Name: "root-secret-access-key", Usage: "its secret", NoFlag: true, Secret: true,
			field: func(c *Config) any { return &c.RootSecretAccessKey }},
		{Name: "root-account-id", Usage: "12 digits of the root account", NoFlag: true,
			field: func(c *Config) any { return &c.RootAccountID }},
		{Name: "lifecycle-day", Usage: "length of a day in lifecycle rules, shortened by tests", NoFlag: true,
			field: func(c *Config) any { return &c.LifecycleDay }},
	}
}

// AddFlags defines the flags of the named settings on fs, all of them when none is named, and --config.
func AddFlags(fs *pflag.FlagSet, names ...string) {
	def := Default()
	fs.String("config", "", "YAML `file` of settings (AUREOLE_CONFIG)")
	for _, s := range Settings() {
		if s.NoFlag || len(names) > 0 && !oneOf(s.Name, names) {
			continue
		}
		usage := s.Usage + " (" + s.Env() + ")"
		switch p := s.field(&def).(type) {
		case *[]string:
			fs.StringArray(s.Name, *p, usage)
		case *bool:
			fs.Bool(s.Name, *p, usage)
		default:
			// Everything else is parsed by Load, so that a bad value reads the same from all three places.
			fs.String(s.Name, show(p), usage)
		}
	}
}
