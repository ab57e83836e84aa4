package s3api_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestSDKNotificationConfiguration(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	b := aws.String(f.bucket("tell"))
	if n, err := c.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: b}); err != nil || len(n.QueueConfigurations) != 0 {
		t.Errorf("%+v %v", n, err)
	}
	conf := &types.NotificationConfiguration{
		QueueConfigurations: []types.QueueConfiguration{{Id: aws.String("q"), QueueArn: aws.String("arn:aws:sqs:us-east-1:123456789012:queue"), Events: []types.Event{"s3:ObjectCreated:*"},
			Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{{Name: "prefix", Value: aws.String("a/")}, {Name: "suffix", Value: aws.String("")}}}}}},
		TopicConfigurations:          []types.TopicConfiguration{{TopicArn: aws.String("arn:aureole:webhook:::hook"), Events: []types.Event{"s3:ObjectRemoved:Delete", "s3:ReducedRedundancyLostObject"}}},
		LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{Id: aws.String("l"), LambdaFunctionArn: aws.String("arn:aws:lambda:us-east-1:123456789012:function:f"), Events: []types.Event{"s3:ObjectTagging:*"}}},
	}
	put := func(unchecked bool) error {
		_, err := c.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{Bucket: b, NotificationConfiguration: conf, SkipDestinationValidation: aws.Bool(unchecked)})
		return err
	}
	if err := put(false); errorCode(err) != "InvalidArgument" {
		t.Errorf("targets that nobody named: %v", err)
	}
	must(t, put(true))
	n, err := c.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: b})
	must(t, err)
	if len(n.QueueConfigurations) != 1 || len(n.TopicConfigurations) != 1 || len(n.LambdaFunctionConfigurations) != 1 || aws.ToString(n.TopicConfigurations[0].Id) == "" ||
		len(n.TopicConfigurations[0].Events) != 2 {
		t.Fatalf("%+v", n)
	}
	if r := n.QueueConfigurations[0].Filter.Key.FilterRules; len(r) != 2 || r[0].Name != "Prefix" || aws.ToString(r[0].Value) != "a/" || r[1].Name != "Suffix" {
		t.Errorf("%+v", r)
	}
	conf = &types.NotificationConfiguration{}
	must(t, put(false))
	if n, err := c.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: b}); err != nil || len(n.QueueConfigurations) != 0 {
		t.Errorf("%+v %v", n, err)
	}
}

func TestNotificationErrors(t *testing.T) {
	f := start(t)
	f.bucket("tell")
	queue := func(s string) string {
		return "<NotificationConfiguration><QueueConfiguration>" + s + "</QueueConfiguration></NotificationConfiguration>"
	}
	const arn, event = "<Queue>arn:aws:sqs:us-east-1:123456789012:q</Queue>", "<Event>s3:ObjectCreated:*</Event>"
	rule := func(s string) string {
		return queue(arn + event + "<Filter><S3Key><FilterRule>" + s + "</FilterRule></S3Key></Filter>")
	}
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"arn":         {queue("<Queue>invalid-queue</Queue>" + event), 400, "InvalidArgument"},
		"nobody":      {queue(arn + event), 400, "InvalidArgument"},
		"no event":    {queue(arn), 400, "MalformedXML"},
		"event":       {queue(arn + "<Event>s3:Nothing</Event>"), 400, "InvalidArgument"},
		"no rule":     {rule(""), 400, "MalformedXML"},
		"no value":    {rule("<Name>prefix</Name>"), 400, "MalformedXML"},
		"rule":        {rule("<Name>INVALID</Name><Value>x</Value>"), 400, "InvalidArgument"},
		"eventbridge": {"<NotificationConfiguration><EventBridgeConfiguration></EventBridgeConfiguration></NotificationConfiguration>", 501, "NotImplemented"},
	} {
		a := f.do("PUT", "/tell?notification", c.body)
		if a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if name == "nobody" && (element(a.body, "ArgumentName1") == "" || element(a.body, "ArgumentValue1") != "The destination queue does not exist") {
			t.Errorf("%s", a.body)
		}
	}
	if a := f.anonymous("GET", "/tell?notification", ""); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
