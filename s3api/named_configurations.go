package s3api

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// namedConfig is a kind of configuration that a bucket may have many of: how its documents look and what is asked of them
// beyond that.
type namedConfig struct {
	kind  object.NamedKind
	list  string // root of a list
	root  s3xml.Element
	check func(r *request, n *s3xml.Node) error
}

func leaf(name string, enum ...string) s3xml.Element { return s3xml.Element{Name: name, Enum: enum} }

func required(e s3xml.Element) s3xml.Element { e.Must = true; return e }

func many(e s3xml.Element) s3xml.Element { e.Many = true; return e }

func filled(name string) s3xml.Element { return s3xml.Element{Name: name, Type: s3xml.Filled} }

func group(name string, children ...s3xml.Element) s3xml.Element {
	return s3xml.Element{Name: name, Children: children}
}

// tagElement is a Tag with its key and value.
func tagElement() s3xml.Element { return group("Tag", required(leaf("Key")), required(leaf("Value"))) }

// filterElement is the filter that these kinds share; further elements may stand beside prefix and tags.
func filterElement(further ...s3xml.Element) s3xml.Element {
	and := append([]s3xml.Element{leaf("Prefix"), many(tagElement())}, further...)
	return group("Filter", append([]s3xml.Element{leaf("Prefix"), tagElement(), group("And", and...)}, further...)...)
}

func analyticsConfig() namedConfig {
	return namedConfig{kind: object.NamedAnalytics, list: "ListBucketAnalyticsConfigurationsResult", check: sameID(s3err.New(s3err.MalformedXML)),
		root: group("AnalyticsConfiguration", required(filled("Id")), filterElement(),
			required(group("StorageClassAnalysis", group("DataExport",
				required(leaf("OutputSchemaVersion", "V_1")),
				required(group("Destination", required(group("S3BucketDestination",
					required(leaf("Format", "CSV")), leaf("BucketAccountId"), required(filled("Bucket")), leaf("Prefix"))))))))),
	}
}

func metricsConfig() namedConfig {
	return namedConfig{kind: object.NamedMetrics, list: "ListMetricsConfigurationsResult", check: sameID(s3err.New(s3err.MalformedXML)),
		root: group("MetricsConfiguration", required(filled("Id")), filterElement(leaf("AccessPointArn")))}
}

func tieringConfig() namedConfig {
	return namedConfig{kind: object.NamedTiering, list: "ListBucketIntelligentTieringConfigurationsOutput",
		root: group("IntelligentTieringConfiguration", required(filled("Id")), filterElement(), required(leaf("Status", "Enabled", "Disabled")),
			required(many(group("Tiering", required(s3xml.Element{Name: "Days", Type: s3xml.Integer}), required(leaf("AccessTier", "ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS")))))),
		check: func(r *request, n *s3xml.Node) error {
			tiers := n.All("Tiering")
			days := map[string]int{}
			for _, t := range tiers {
				tier := t.Text("AccessTier")
				least := 90
				if tier == "DEEP_ARCHIVE_ACCESS" {
					least = 180
				}
				if d := t.Int("Days"); d < least || d > 730 {
					return s3err.Argument("Days", t.Text("Days"), "'Days' for "+tier+" is outside the range that it may have")
				}
				if _, twice := days[tier]; twice {
					return s3err.New(s3err.MalformedXML)
				}
				days[tier] = t.Int("Days")
			}
			if a, b := days["ARCHIVE_ACCESS"], days["DEEP_ARCHIVE_ACCESS"]; a != 0 && b != 0 && a >= b {
				return s3err.Newf(s3err.InvalidRequest, "'Days' of DEEP_ARCHIVE_ACCESS must be greater than those of ARCHIVE_ACCESS")
			}
			return sameID(s3err.New(s3err.MalformedXML))(r, n)
		}}
}

func inventoryConfig() namedConfig {
	fields := leaf("Field", "Size", "LastModifiedDate", "StorageClass", "ETag", "IsMultipartUploaded", "ReplicationStatus", "EncryptionStatus",
		"ObjectLockRetainUntilDate", "ObjectLockMode", "ObjectLockLegalHoldStatus", "IntelligentTieringAccessTier", "BucketKeyStatus",
		"ChecksumAlgorithm", "ObjectAccessControlList", "ObjectOwner", "LifecycleExpirationDate")
	return namedConfig{kind: object.NamedInventory, list: "ListInventoryConfigurationsResult",
		root: group("InventoryConfiguration",
			required(group("Destination", required(group("S3BucketDestination", leaf("AccountId"), required(leaf("Bucket")), required(leaf("Format", "CSV", "ORC", "Parquet")),
				leaf("Prefix"), group("Encryption", leaf("SSE-S3"), group("SSE-KMS", required(filled("KeyId")))))))),
			required(s3xml.Element{Name: "IsEnabled", Type: s3xml.Boolean}), group("Filter", required(leaf("Prefix"))), required(filled("Id")),
			required(leaf("IncludedObjectVersions", "All", "Current")), group("OptionalFields", many(fields)),
			required(group("Schedule", required(leaf("Frequency", "Daily", "Weekly"))))),
		check: func(r *request, n *s3xml.Node) error {
			if err := sameID(s3err.New(s3err.IDMismatch))(r, n); err != nil {
				return err
			}
			if !strings.HasPrefix(n.Text("Destination", "S3BucketDestination", "Bucket"), "arn:aws:s3:::") {
				return s3err.New(s3err.InvalidS3DestinationBucket)
			}
			return nil
		}}
}

// sameID demands that a document has the id it is put under.
func sameID(otherwise *s3err.Error) func(*request, *s3xml.Node) error {
	return func(r *request, n *s3xml.Node) error {
		if n.Text("Id") != r.query.get("id") {
			return otherwise
		}
		return nil
	}
}

// checkFilter demands that a filter asks for one thing, or for several under And.
func checkFilter(f *s3xml.Node) error {
	if f != nil && (len(f.Children) > 1 || f.Child("And") != nil && len(f.Child("And").Children) < 2) {
		return s3err.New(s3err.MalformedXML)
	}
	return nil
}

// readNode reads a document by its description.
func (r *request) readNode(root s3xml.Element) (*s3xml.Node, error) {
	data, err := r.readDocument(r.srv.cfg.Limits.XMLBody, optionalDigest)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, s3err.New(s3err.MissingRequestBody)
	}
	n, err := s3xml.Parse(data, root)
	if err != nil {
		return nil, s3err.New(s3err.MalformedXML)
	}
	return n, nil
}

func putNamed(c namedConfig) handler {
	return func(r *request) (*response, error) {
		n, err := r.readNode(c.root)
		if err != nil {
			return nil, err
		}
		if err := checkFilter(n.Child("Filter")); err != nil {
			return nil, err
		}
		if err := c.check(r, n); err != nil {
			return nil, err
		}
		if err := r.srv.objects.PutNamed(r.ctx, r.who, r.bucket, c.kind, r.query.get("id"), n.Fragment()); err != nil {
			return nil, err
		}
		return r.noContent(), nil
	}
}

func getNamed(c namedConfig) handler {
	return func(r *request) (*response, error) {
		data, err := r.srv.objects.Named(r.ctx, r.who, r.bucket, c.kind, r.query.get("id"))
		if err != nil {
			return nil, err
		}
		x := s3xml.New(c.root.Name, len(data)+256)
		x.Raw(data)
		resp := r.ok()
		resp.xml = x.Bytes()
		return resp, nil
	}
}

func listNamed(c namedConfig) handler {
	return func(r *request) (*response, error) {
		token, after := r.query.get("continuation-token"), ""
		if token != "" {
			var err error
			if after, err = decodeToken(token); err != nil {
				return nil, s3err.Argument("continuation-token", token, "The continuation token provided is incorrect")
			}
		}
		page, err := r.srv.objects.ListNamed(r.ctx, r.who, r.bucket, c.kind, after)
		if err != nil {
			return nil, err
		}
		x := s3xml.New(c.list, 512)
		x.Optional("ContinuationToken", token)
		x.Bool("IsTruncated", page.Next != "")
		if page.Next != "" {
			x.Text("NextContinuationToken", encodeToken(page.Next))
		}
		for _, doc := range page.Docs {
			x.Open(c.root.Name)
			x.Raw(doc)
			x.Close(c.root.Name)
		}
		resp := r.ok()
		resp.xml = x.Bytes()
		return resp, nil
	}
}

func deleteNamed(c namedConfig) handler {
	return func(r *request) (*response, error) {
		if err := r.srv.objects.DeleteNamed(r.ctx, r.who, r.bucket, c.kind, r.query.get("id")); err != nil {
			return nil, err
		}
		return r.noContent(), nil
	}
}
