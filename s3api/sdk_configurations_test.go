package s3api_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestSDKNamedConfigurations(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	b := aws.String(f.bucket("conf"))
	id := aws.String("one")
	tag := types.Tag{Key: aws.String("k"), Value: aws.String("v")}

	_, err := c.PutBucketAnalyticsConfiguration(ctx, &s3.PutBucketAnalyticsConfigurationInput{Bucket: b, Id: id, AnalyticsConfiguration: &types.AnalyticsConfiguration{
		Id: id, Filter: &types.AnalyticsFilterMemberPrefix{Value: "p"}, StorageClassAnalysis: &types.StorageClassAnalysis{DataExport: &types.StorageClassAnalysisDataExport{
			OutputSchemaVersion: types.StorageClassAnalysisSchemaVersionV1, Destination: &types.AnalyticsExportDestination{S3BucketDestination: &types.AnalyticsS3BucketDestination{
				Bucket: aws.String("arn:aws:s3:::dest"), Format: types.AnalyticsS3ExportFileFormatCsv, Prefix: aws.String("x")}}}}}})
	must(t, err)
	a, err := c.GetBucketAnalyticsConfiguration(ctx, &s3.GetBucketAnalyticsConfigurationInput{Bucket: b, Id: id})
	must(t, err)
	if p, ok := a.AnalyticsConfiguration.Filter.(*types.AnalyticsFilterMemberPrefix); !ok || p.Value != "p" ||
		aws.ToString(a.AnalyticsConfiguration.StorageClassAnalysis.DataExport.Destination.S3BucketDestination.Prefix) != "x" {
		t.Errorf("%+v", a.AnalyticsConfiguration)
	}
	l, err := c.ListBucketAnalyticsConfigurations(ctx, &s3.ListBucketAnalyticsConfigurationsInput{Bucket: b})
	if err != nil || len(l.AnalyticsConfigurationList) != 1 || aws.ToBool(l.IsTruncated) {
		t.Errorf("%+v %v", l, err)
	}
	_, err = c.DeleteBucketAnalyticsConfiguration(ctx, &s3.DeleteBucketAnalyticsConfigurationInput{Bucket: b, Id: id})
	must(t, err)
	_, err = c.DeleteBucketAnalyticsConfiguration(ctx, &s3.DeleteBucketAnalyticsConfigurationInput{Bucket: b, Id: id})
	if errorCode(err) != "NoSuchConfiguration" {
		t.Errorf("%v", err)
	}

	inventory := &types.InventoryConfiguration{Id: id, IsEnabled: aws.Bool(true), IncludedObjectVersions: types.InventoryIncludedObjectVersionsAll,
		Schedule: &types.InventorySchedule{Frequency: types.InventoryFrequencyDaily}, OptionalFields: []types.InventoryOptionalField{"Size", "ETag"},
		Destination: &types.InventoryDestination{S3BucketDestination: &types.InventoryS3BucketDestination{Bucket: aws.String("arn:aws:s3:::dest"), Format: types.InventoryFormatCsv,
			Encryption: &types.InventoryEncryption{SSES3: &types.SSES3{}}}}}
	_, err = c.PutBucketInventoryConfiguration(ctx, &s3.PutBucketInventoryConfigurationInput{Bucket: b, Id: id, InventoryConfiguration: inventory})
	must(t, err)
	i, err := c.GetBucketInventoryConfiguration(ctx, &s3.GetBucketInventoryConfigurationInput{Bucket: b, Id: id})
	if err != nil || len(i.InventoryConfiguration.OptionalFields) != 2 || i.InventoryConfiguration.Destination.S3BucketDestination.Encryption.SSES3 == nil {
		t.Errorf("%+v %v", i, err)
	}
	if li, err := c.ListBucketInventoryConfigurations(ctx, &s3.ListBucketInventoryConfigurationsInput{Bucket: b}); err != nil || len(li.InventoryConfigurationList) != 1 {
		t.Errorf("%+v %v", li, err)
	}
	_, err = c.DeleteBucketInventoryConfiguration(ctx, &s3.DeleteBucketInventoryConfigurationInput{Bucket: b, Id: id})
	must(t, err)

	for n := range 101 {
		id := aws.String(fmt.Sprintf("m%03d", n))
		_, err = c.PutBucketMetricsConfiguration(ctx, &s3.PutBucketMetricsConfigurationInput{Bucket: b, Id: id,
			MetricsConfiguration: &types.MetricsConfiguration{Id: id, Filter: &types.MetricsFilterMemberAnd{Value: types.MetricsAndOperator{Prefix: aws.String("p"), Tags: []types.Tag{tag}}}}})
		must(t, err)
	}
	m, err := c.ListBucketMetricsConfigurations(ctx, &s3.ListBucketMetricsConfigurationsInput{Bucket: b})
	must(t, err)
	if len(m.MetricsConfigurationList) != 100 || !aws.ToBool(m.IsTruncated) {
		t.Errorf("%d %+v", len(m.MetricsConfigurationList), m)
	}
	if m, err = c.ListBucketMetricsConfigurations(ctx, &s3.ListBucketMetricsConfigurationsInput{Bucket: b, ContinuationToken: m.NextContinuationToken}); err != nil ||
		len(m.MetricsConfigurationList) != 1 || aws.ToString(m.MetricsConfigurationList[0].Id) != "m100" {
		t.Errorf("%+v %v", m, err)
	}

	_, err = c.PutBucketIntelligentTieringConfiguration(ctx, &s3.PutBucketIntelligentTieringConfigurationInput{Bucket: b, Id: id,
		IntelligentTieringConfiguration: &types.IntelligentTieringConfiguration{Id: id, Status: types.IntelligentTieringStatusEnabled,
			Tierings: []types.Tiering{{AccessTier: types.IntelligentTieringAccessTierArchiveAccess, Days: aws.Int32(90)}}}})
	must(t, err)
	if it, err := c.GetBucketIntelligentTieringConfiguration(ctx, &s3.GetBucketIntelligentTieringConfigurationInput{Bucket: b, Id: id}); err != nil ||
		len(it.IntelligentTieringConfiguration.Tierings) != 1 {
		t.Errorf("%+v %v", it, err)
	}
	if it, err := c.ListBucketIntelligentTieringConfigurations(ctx, &s3.ListBucketIntelligentTieringConfigurationsInput{Bucket: b}); err != nil ||
		len(it.IntelligentTieringConfigurationList) != 1 {
		t.Errorf("%+v %v", it, err)
	}

	// What a bucket was given goes with it.
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b})
	must(t, err)
	f.bucket("conf")
	if m, err = c.ListBucketMetricsConfigurations(ctx, &s3.ListBucketMetricsConfigurationsInput{Bucket: b}); err != nil || len(m.MetricsConfigurationList) != 0 {
		t.Errorf("%+v %v", m, err)
	}
}

func TestSDKPaymentAndAcceleration(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	b := aws.String(f.bucket("pay"))
	if p, err := c.GetBucketRequestPayment(ctx, &s3.GetBucketRequestPaymentInput{Bucket: b}); err != nil || p.Payer != types.PayerBucketOwner {
		t.Errorf("%+v %v", p, err)
	}
	f.do("PUT", "/pay/k", "x")
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::pay/*"}]}`
	f.do("DELETE", "/pay?publicAccessBlock", "")
	if a := f.do("PUT", "/pay?policy", policy); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := f.anonymous("GET", "/pay/k", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	_, err := c.PutBucketRequestPayment(ctx, &s3.PutBucketRequestPaymentInput{Bucket: b, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: types.PayerRequester}})
	must(t, err)
	if p, err := c.GetBucketRequestPayment(ctx, &s3.GetBucketRequestPaymentInput{Bucket: b}); err != nil || p.Payer != types.PayerRequester {
		t.Errorf("%+v %v", p, err)
	}
	if a := f.anonymous("GET", "/pay/k", ""); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := f.do("GET", "/pay/k", ""); a.status != 200 || a.header.Get("x-amz-request-charged") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
	other, _ := f.stranger("payer")
	if _, err := other.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: aws.String("k")}); errorCode(err) != "Forbidden" {
		t.Errorf("%v", err)
	}
	if h, err := other.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: aws.String("k"), RequestPayer: types.RequestPayerRequester}); err != nil || h.RequestCharged != types.RequestChargedRequester {
		t.Errorf("%+v %v", h, err)
	}

	if a, err := c.GetBucketAccelerateConfiguration(ctx, &s3.GetBucketAccelerateConfigurationInput{Bucket: b}); err != nil || a.Status != "" {
		t.Errorf("%+v %v", a, err)
	}
	_, err = c.PutBucketAccelerateConfiguration(ctx, &s3.PutBucketAccelerateConfigurationInput{Bucket: b, AccelerateConfiguration: &types.AccelerateConfiguration{Status: "Suspended"}})
	must(t, err)
	if a, err := c.GetBucketAccelerateConfiguration(ctx, &s3.GetBucketAccelerateConfigurationInput{Bucket: b}); err != nil || a.Status != "Suspended" {
		t.Errorf("%+v %v", a, err)
	}
}

func TestConfigurationErrors(t *testing.T) {
	f := start(t)
	f.bucket("conf")
	f.bucket("dots.conf")
	const dest = "<Destination><S3BucketDestination><Bucket>arn:aws:s3:::d</Bucket><Format>CSV</Format></S3BucketDestination></Destination>"
	inventory := func(s string) string { return "<InventoryConfiguration>" + s + "</InventoryConfiguration>" }
	const rest = "<IsEnabled>true</IsEnabled><IncludedObjectVersions>All</IncludedObjectVersions><Schedule><Frequency>Daily</Frequency></Schedule>"
	metrics := func(id string) string { return "<MetricsConfiguration><Id>" + id + "</Id></MetricsConfiguration>" }
	tiering := func(s string) string {
		return "<IntelligentTieringConfiguration><Id>a</Id><Status>Enabled</Status>" + s + "</IntelligentTieringConfiguration>"
	}
	const analysis = "<StorageClassAnalysis></StorageClassAnalysis>"
	for name, c := range map[string]struct {
		method, target, body string
		status               int
		code                 string
	}{
		"inventory id":       {"PUT", "/conf?inventory&id=b", inventory("<Id>a</Id>" + dest + rest), 400, "IdMismatch"},
		"inventory bucket":   {"PUT", "/conf?inventory&id=a", inventory("<Id>a</Id><Destination><S3BucketDestination><Bucket>d</Bucket><Format>CSV</Format></S3BucketDestination></Destination>" + rest), 400, "InvalidS3DestinationBucket"},
		"inventory format":   {"PUT", "/conf?inventory&id=a", inventory("<Id>a</Id><Destination><S3BucketDestination><Bucket>d</Bucket><Format>XLS</Format></S3BucketDestination></Destination>" + rest), 400, "MalformedXML"},
		"inventory nothing":  {"PUT", "/conf?inventory&id=a", inventory("<Id>a</Id>"), 400, "MalformedXML"},
		"inventory field":    {"PUT", "/conf?inventory&id=a", inventory("<Id>a</Id><OptionalFields><Field>Color</Field></OptionalFields>" + dest + rest), 400, "MalformedXML"},
		"inventory absent":   {"GET", "/conf?inventory&id=a", "", 404, "NoSuchConfiguration"},
		"inventory delete":   {"DELETE", "/conf?inventory&id=a", "", 404, "NoSuchConfiguration"},
		"metrics id":         {"PUT", "/conf?metrics&id=b", metrics("a"), 400, "MalformedXML"},
		"metrics odd id":     {"PUT", "/conf?metrics&id=a%20b", metrics("a b"), 400, "InvalidArgument"},
		"metrics filter":     {"PUT", "/conf?metrics&id=a", "<MetricsConfiguration><Id>a</Id><Filter><Prefix>a</Prefix><AccessPointArn>b</AccessPointArn></Filter></MetricsConfiguration>", 400, "MalformedXML"},
		"metrics root":       {"PUT", "/conf?metrics&id=a", "<Metrics></Metrics>", 400, "MalformedXML"},
		"metrics nothing":    {"PUT", "/conf?metrics&id=a", "", 400, "MissingRequestBodyError"},
		"metrics token":      {"GET", "/conf?metrics&continuation-token=x", "", 400, "InvalidArgument"},
		"analytics analysis": {"PUT", "/conf?analytics&id=a", "<AnalyticsConfiguration><Id>a</Id></AnalyticsConfiguration>", 400, "MalformedXML"},
		"analytics fine":     {"PUT", "/conf?analytics&id=a", "<AnalyticsConfiguration><Id>a</Id>" + analysis + "</AnalyticsConfiguration>", 204, ""},
		"analytics nowhere":  {"PUT", "/nobody?analytics&id=a", "<AnalyticsConfiguration><Id>a</Id>" + analysis + "</AnalyticsConfiguration>", 404, "NoSuchBucket"},
		"tiering days":       {"PUT", "/conf?intelligent-tiering&id=a", tiering("<Tiering><Days>89</Days><AccessTier>ARCHIVE_ACCESS</AccessTier></Tiering>"), 400, "InvalidArgument"},
		"tiering none":       {"PUT", "/conf?intelligent-tiering&id=a", tiering(""), 400, "MalformedXML"},
		"payer":              {"PUT", "/conf?requestPayment", "<RequestPaymentConfiguration><Payer>Nobody</Payer></RequestPaymentConfiguration>", 400, "MalformedXML"},
		"accelerate case":    {"PUT", "/conf?accelerate", "<AccelerateConfiguration><Status>enabled</Status></AccelerateConfiguration>", 400, "MalformedXML"},
		"accelerate dots":    {"PUT", "/dots.conf?accelerate", "<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>", 400, "InvalidRequest"},
		"abac":               {"PUT", "/conf?abac", "<AbacStatus><Status>Enabled</Status></AbacStatus>", 501, "NotImplemented"},
		"torrent":            {"GET", "/conf/k?torrent", "", 404, "NoSuchKey"},
		"session":            {"GET", "/conf?session", "", 405, "MethodNotAllowed"},
		"metadata":           {"GET", "/conf?metadataConfiguration", "", 404, "MetadataConfigurationNotFound"},
		"metadata table":     {"GET", "/conf?metadataTable", "", 404, "MetadataConfigurationNotFound"},
		"metadata make":      {"POST", "/conf?metadataConfiguration", "<MetadataConfiguration></MetadataConfiguration>", 501, "NotImplemented"},
	} {
		if a := f.do(c.method, c.target, c.body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for _, target := range []string{"/conf?analytics", "/conf?metrics&id=a", "/conf?requestPayment", "/conf?accelerate", "/conf?inventory", "/conf?intelligent-tiering"} {
		if a := f.anonymous("GET", target, ""); a.status != 403 || a.code() != "AccessDenied" {
			t.Errorf("%s: %d %s", target, a.status, a.body)
		}
	}
}

// TestTooManyConfigurations fills a bucket with as many configurations of each kind as it may have.
func TestTooManyConfigurations(t *testing.T) {
	f := start(t)
	c, ctx := f.client(), context.Background()
	b := aws.String(f.bucket("many"))
	dest := &types.InventoryDestination{S3BucketDestination: &types.InventoryS3BucketDestination{Bucket: aws.String("arn:aws:s3:::many"), Format: "CSV"}}
	for name, put := range map[string]func(id *string) error{
		"PutBucketMetricsConfiguration": func(id *string) error {
			_, err := c.PutBucketMetricsConfiguration(ctx, &s3.PutBucketMetricsConfigurationInput{Bucket: b, Id: id, MetricsConfiguration: &types.MetricsConfiguration{Id: id}})
			return err
		},
		"PutBucketAnalyticsConfiguration": func(id *string) error {
			_, err := c.PutBucketAnalyticsConfiguration(ctx, &s3.PutBucketAnalyticsConfigurationInput{Bucket: b, Id: id,
				AnalyticsConfiguration: &types.AnalyticsConfiguration{Id: id, StorageClassAnalysis: &types.StorageClassAnalysis{}}})
			return err
		},
		"PutBucketInventoryConfiguration": func(id *string) error {
			_, err := c.PutBucketInventoryConfiguration(ctx, &s3.PutBucketInventoryConfigurationInput{Bucket: b, Id: id, InventoryConfiguration: &types.InventoryConfiguration{
				Id: id, IsEnabled: aws.Bool(true), IncludedObjectVersions: "All", Schedule: &types.InventorySchedule{Frequency: "Daily"}, Destination: dest}})
			return err
		},
		"PutBucketIntelligentTieringConfiguration": func(id *string) error {
			_, err := c.PutBucketIntelligentTieringConfiguration(ctx, &s3.PutBucketIntelligentTieringConfigurationInput{Bucket: b, Id: id, IntelligentTieringConfiguration: &types.IntelligentTieringConfiguration{
				Id: id, Status: "Enabled", Tierings: []types.Tiering{{AccessTier: "ARCHIVE_ACCESS", Days: aws.Int32(90)}}}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 1000 {
				must(t, put(aws.String(fmt.Sprint("id-", i))))
			}
			must(t, put(aws.String("id-7"))) // which takes the place of one that is there
			wantAPI(t, put(aws.String("one-more")), "TooManyConfigurations")
		})
	}
}
