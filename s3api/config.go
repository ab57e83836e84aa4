package s3api

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aureole-cloud/aureole/core/dialect"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/httpd"
)

// Config is what a Server is made of.
type Config struct {
	Objects *object.Service
	IAM     *iam.Service

	Region       string   // this server's; "" is us-east-1
	StrictRegion bool     // refuse signatures made for another region
	DisableV2    bool     // refuse Version 2 signatures
	Domains      []string // virtual-host buckets are labels below these

	Dialect dialect.Dialect // where answers are not Amazon's; zero is nowhere. Objects has the same

	CustomerKeysNeedTLS bool          // refuse keys of SSE-C that come over plain HTTP, as Amazon does
	WebsiteDomains      []string      // websites are labels below these
	LogInterval         time.Duration // between deliveries of access logs; 0 is a minute

	Observer Observer // nil is none
	Logger   *slog.Logger

	Limits Limits
	HTTP   httpd.Limits
}

// Limits bound what one request can take. Zero fields have defaults.
type Limits struct {
	XMLBody      int64         // bytes of an XML document; 0 is 1 MiB
	DeleteBody   int64         // bytes of a DeleteObjects; 0 is 8 MiB: 1,000 keys of 1,024 bytes that are all escaped
	CompleteBody int64         // bytes of a CompleteMultipartUpload; 0 is 4 MiB: 10,000 parts with checksums
	PostFields   int64         // bytes of the fields before the file of a POST form; 0 is 20 KiB, as S3
	Patience     time.Duration // of a copy or completion before the answer is begun with white space; 0 is 5 s
	Heartbeat    time.Duration // between the white space that follows; 0 is 5 s
}

func (l Limits) withDefaults() Limits {
	set := func(p *int64, v int64) {
		if *p == 0 {
			*p = v
		}
	}
	set(&l.XMLBody, 1<<20)
	set(&l.DeleteBody, 8<<20)
	set(&l.CompleteBody, 4<<20)
	set(&l.PostFields, 20<<10)
	if l.Patience == 0 {
		l.Patience = 5 * time.Second
	}
	if l.Heartbeat == 0 {
		l.Heartbeat = 5 * time.Second
	}
	return l
}

func (c Config) withDefaults() Config {
	c.Limits = c.Limits.withDefaults()
	if c.Region == "" {
		c.Region = defaultRegion
	}
	if c.Observer == nil {
		c.Observer = noObserver{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// defaultRegion is the one whose GetBucketLocation is empty.
const defaultRegion = "us-east-1"

// Validate reports a configuration that cannot work.
func (c Config) Validate() error {
	switch {
	case c.Objects == nil, c.IAM == nil:
		return errors.New("s3api: config: Objects and IAM are needed")
	case c.Limits.XMLBody < 0, c.Limits.DeleteBody < 0, c.Limits.CompleteBody < 0, c.Limits.PostFields < 0,
		c.Limits.Patience < 0, c.Limits.Heartbeat < 0:
		return errors.New("s3api: config: negative limit")
	}
	for _, d := range append(c.Domains[:len(c.Domains):len(c.Domains)], c.WebsiteDomains...) {
		if len(cleanDomains([]string{d})) == 0 {
			return fmt.Errorf("s3api: config: domain %q", d)
		}
	}
	return nil
}
