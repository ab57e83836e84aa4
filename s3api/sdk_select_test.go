package s3api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

var (
	csvHeader = &types.InputSerialization{CSV: &types.CSVInput{FileHeaderInfo: types.FileHeaderInfoUse}}
	jsonLines = &types.InputSerialization{JSON: &types.JSONInput{Type: types.JSONTypeLines}}
	toJSON    = &types.OutputSerialization{JSON: &types.JSONOutput{}}
	toCSV     = &types.OutputSerialization{CSV: &types.CSVOutput{}}
)

// selected carries out a query: the records, and the figures at the end.
func selected(c *s3.Client, in *s3.SelectObjectContentInput) (string, *types.Stats, error) {
	in.Bucket, in.ExpressionType = aws.String("bkt"), types.ExpressionTypeSql
	out, err := c.SelectObjectContent(context.Background(), in)
	if err != nil {
		return "", nil, err
	}
	stream := out.GetStream()
	defer stream.Close()
	var b strings.Builder
	var stats *types.Stats
	ended := false
	for e := range stream.Events() {
		switch e := e.(type) {
		case *types.SelectObjectContentEventStreamMemberRecords:
			b.Write(e.Value.Payload)
		case *types.SelectObjectContentEventStreamMemberStats:
			stats = e.Value.Details
		case *types.SelectObjectContentEventStreamMemberEnd:
			ended = true
		}
	}
	if err := stream.Err(); err != nil {
		return b.String(), stats, err
	}
	if !ended {
		return b.String(), stats, errors.New("the stream has no End")
	}
	return b.String(), stats, nil
}

func TestSelectObjectContent(t *testing.T) {
	f := start(t)
	c := f.client()
	f.bucket("bkt")
	put := func(key, data string, enc types.ServerSideEncryption) {
		t.Helper()
		_, err := c.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: &key, Body: strings.NewReader(data), ServerSideEncryption: enc})
		must(t, err)
	}
	const people = "name,age\nann,31\nbob,5\n"
	put("csv", people, types.ServerSideEncryptionAes256)
	put("json", "{\"a\":{\"b\":1}}\n{\"a\":{\"b\":2}}\n", "")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, people)
	must(t, z.Close())
	put("gz", zipped.String(), "")
	var large strings.Builder
	large.WriteString("i,text\n")
	for i := range 60_000 {
		fmt.Fprintf(&large, "%d,%s\n", i, strings.Repeat("x", i%80))
	}
	put("large", large.String(), "")
	put("late", large.String()+"1,\"broken", "")

	for what, tc := range map[string]struct {
		in   s3.SelectObjectContentInput
		want string
	}{
		"csv to json": {s3.SelectObjectContentInput{Key: aws.String("csv"), Expression: aws.String("select s.name from S3Object s where cast(s.age as int) > 18"),
			InputSerialization: csvHeader, OutputSerialization: toJSON}, "{\"name\":\"ann\"}\n"},
		"json to csv": {s3.SelectObjectContentInput{Key: aws.String("json"), Expression: aws.String("select s.a.b, 'x,y' from S3Object s"),
			InputSerialization: jsonLines, OutputSerialization: &types.OutputSerialization{CSV: &types.CSVOutput{RecordDelimiter: aws.String("\r\n"), FieldDelimiter: aws.String("\t")}}}, "1\tx,y\r\n2\tx,y\r\n"},
		"gzip": {s3.SelectObjectContentInput{Key: aws.String("gz"), Expression: aws.String("select count(*) from S3Object"),
			InputSerialization: &types.InputSerialization{CSV: csvHeader.CSV, CompressionType: types.CompressionTypeGzip}, OutputSerialization: toCSV}, "2\n"},
		"many records": {s3.SelectObjectContentInput{Key: aws.String("large"), Expression: aws.String("select * from S3Object"),
			InputSerialization: &types.InputSerialization{CSV: &types.CSVInput{}}, OutputSerialization: toCSV, RequestProgress: &types.RequestProgress{Enabled: aws.Bool(true)}}, large.String()},
		"scan range": {s3.SelectObjectContentInput{Key: aws.String("csv"), Expression: aws.String("select s.name from S3Object s"),
			InputSerialization: csvHeader, OutputSerialization: toCSV, ScanRange: &types.ScanRange{Start: aws.Int64(16)}}, "bob\n"},
		"scan range at the end": {s3.SelectObjectContentInput{Key: aws.String("json"), Expression: aws.String("select * from S3Object s"),
			InputSerialization: jsonLines, OutputSerialization: toJSON, ScanRange: &types.ScanRange{End: aws.Int64(20)}}, "{\"a\":{\"b\":2}}\n"},
		"scan range in front": {s3.SelectObjectContentInput{Key: aws.String("json"), Expression: aws.String("select * from S3Object s"),
			InputSerialization: jsonLines, OutputSerialization: toJSON, ScanRange: &types.ScanRange{Start: aws.Int64(0), End: aws.Int64(5)}}, "{\"a\":{\"b\":1}}\n"},
	} {
		got, stats, err := selected(c, &tc.in)
		if err != nil || got != tc.want {
			t.Errorf("%s: %.200q, %v", what, got, err)
		} else if *stats.BytesReturned != int64(len(got)) || *stats.BytesScanned == 0 || *stats.BytesProcessed == 0 {
			t.Errorf("%s: %d scanned, %d processed, %d returned", what, *stats.BytesScanned, *stats.BytesProcessed, *stats.BytesReturned)
		}
	}

	// What goes wrong behind the first records comes in the stream.
	got, _, err := selected(c, &s3.SelectObjectContentInput{Key: aws.String("late"), Expression: aws.String("select * from S3Object"),
		InputSerialization: &types.InputSerialization{CSV: &types.CSVInput{}}, OutputSerialization: toCSV})
	if len(got) == 0 {
		t.Error("no records before the failure")
	}
	wantAPI(t, err, "CSVParsingError")

	for what, tc := range map[string]struct {
		key, sql string
		in       *types.InputSerialization
		out      *types.OutputSerialization
		scan     *types.ScanRange
		code     string
	}{
		"no object":        {"none", "select * from S3Object", csvHeader, toCSV, nil, "NoSuchKey"},
		"bad statement":    {"csv", "select * frm S3Object", csvHeader, toCSV, nil, "ParseUnexpectedToken"},
		"no from":          {"csv", "select *", csvHeader, toCSV, nil, "ParseSelectMissingFrom"},
		"bad cast":         {"csv", "select cast(name as int) from S3Object", csvHeader, toCSV, nil, "CastFailed"},
		"no column":        {"csv", "select other from S3Object", csvHeader, toCSV, nil, "MissingHeaders"},
		"not json":         {"csv", "select * from S3Object", jsonLines, toJSON, nil, "JSONParsingError"},
		"not gzip":         {"csv", "select * from S3Object", &types.InputSerialization{CSV: csvHeader.CSV, CompressionType: types.CompressionTypeGzip}, toCSV, nil, "InvalidCompressionFormat"},
		"both forms":       {"csv", "select * from S3Object", &types.InputSerialization{CSV: csvHeader.CSV, JSON: jsonLines.JSON}, toCSV, nil, "ObjectSerializationConflict"},
		"no form":          {"csv", "select * from S3Object", &types.InputSerialization{}, toCSV, nil, "MissingRequiredParameter"},
		"parquet":          {"csv", "select * from S3Object", &types.InputSerialization{Parquet: &types.ParquetInput{}}, toCSV, nil, "NotImplemented"},
		"header info":      {"csv", "select * from S3Object", &types.InputSerialization{CSV: &types.CSVInput{FileHeaderInfo: "X"}}, toCSV, nil, "InvalidFileHeaderInfo"},
		"json type":        {"csv", "select * from S3Object", &types.InputSerialization{JSON: &types.JSONInput{Type: "X"}}, toCSV, nil, "InvalidJsonType"},
		"quote fields":     {"csv", "select * from S3Object", csvHeader, &types.OutputSerialization{CSV: &types.CSVOutput{QuoteFields: "X"}}, nil, "InvalidQuoteFields"},
		"range of gzip":    {"gz", "select * from S3Object", &types.InputSerialization{CSV: csvHeader.CSV, CompressionType: types.CompressionTypeGzip}, toCSV, &types.ScanRange{Start: aws.Int64(1)}, "UnsupportedScanRangeInput"},
		"range backwards":  {"csv", "select * from S3Object", csvHeader, toCSV, &types.ScanRange{Start: aws.Int64(5), End: aws.Int64(1)}, "InvalidScanRange"},
		"range behind all": {"csv", "select * from S3Object", csvHeader, toCSV, &types.ScanRange{Start: aws.Int64(5000)}, "InvalidScanRange"},
	} {
		_, _, err := selected(c, &s3.SelectObjectContentInput{Key: &tc.key, Expression: &tc.sql, InputSerialization: tc.in, OutputSerialization: tc.out, ScanRange: tc.scan})
		var api interface{ ErrorCode() string }
		if !errors.As(err, &api) || api.ErrorCode() != tc.code {
			t.Errorf("%s: %v, want %s", what, err, tc.code)
		}
	}
	// A statement may have 256 KiB, which is more than texts of other documents may.
	for n, code := range map[int]string{200 << 10: "", 257 << 10: "ExpressionTooLong"} {
		sql := "select count(*) from S3Object s where s.name <> '" + strings.Repeat("x", n) + "'"
		got, _, err := selected(c, &s3.SelectObjectContentInput{Key: aws.String("csv"), Expression: &sql, InputSerialization: csvHeader, OutputSerialization: toCSV})
		if code == "" && (err != nil || got != "2\n") {
			t.Errorf("a statement of %d bytes: %q, %v", n, got, err)
		} else if code != "" {
			wantAPI(t, err, code)
		}
	}
	stranger, _ := f.stranger("eve")
	_, _, err = selected(stranger, &s3.SelectObjectContentInput{Key: aws.String("csv"), Expression: aws.String("select * from S3Object"), InputSerialization: csvHeader, OutputSerialization: toCSV})
	wantAPI(t, err, "AccessDenied")
	// A client that leaves early leaves nothing open.
	out, err := c.SelectObjectContent(context.Background(), &s3.SelectObjectContentInput{Bucket: aws.String("bkt"), Key: aws.String("large"), ExpressionType: types.ExpressionTypeSql,
		Expression: aws.String("select * from S3Object"), InputSerialization: csvHeader, OutputSerialization: toCSV})
	must(t, err)
	<-out.GetStream().Events()
	must(t, out.GetStream().Close())
}
