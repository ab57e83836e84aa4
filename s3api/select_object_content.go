package s3api

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/core/s3select"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// selectObjectContent: POST /bucket/key?select&select-type=2
func selectObjectContent(r *request) (*response, error) {
	if v := r.query.get("select-type"); v != "2" {
		return nil, s3err.Argument("select-type", v, "select-type must be 2")
	}
	var doc s3xml.SelectObjectContentRequest
	if err := r.readXML("SelectObjectContentRequest", r.srv.cfg.Limits.XMLBody, optionalDigest, &doc); err != nil {
		return nil, err
	}
	in, out, err := selectForms(&doc)
	if err != nil {
		return nil, err
	}
	statement, err := s3select.Parse(doc.Expression)
	if err != nil {
		return nil, selectFailure(err)
	}
	get := object.GetInput{Bucket: r.bucket, Key: r.key, VersionID: r.query.get("versionId")}
	if get.Customer, err = r.readersKey(); err != nil {
		return nil, err
	}
	if doc.ScanRange != nil {
		if err := r.scanRange(&doc, &in, &get); err != nil {
			return nil, err
		}
	}
	res, err := r.srv.objects.Get(r.ctx, r.who, &get)
	if err != nil {
		return nil, err
	}
	runner, err := s3select.NewRunner(statement, in, out, res.Body)
	if err != nil {
		res.Body.Close()
		return nil, selectFailure(err)
	}
	s := &selectStream{r: r, runner: runner, body: res.Body, progress: doc.RequestProgress.Enabled}
	// What goes wrong at once is told as usual; what goes wrong later comes in the stream.
	if err := s.begin(); err != nil {
		s.Close()
		return nil, selectFailure(err)
	}
	resp := r.ok()
	resp.slow, resp.slowType = s, "application/vnd.amazon.eventstream"
	return resp, nil
}

// selectFailure is an error of package s3select as the client sees it.
func selectFailure(err error) error {
	var q *s3select.Error
	if errors.As(err, &q) {
		return &s3err.Error{Code: s3err.Code(q.Code), Message: q.Message, Status: http.StatusBadRequest}
	}
	return err
}

func badSelect(code, message string) error {
	return &s3err.Error{Code: s3err.Code(code), Message: message, Status: http.StatusBadRequest}
}

// selectForms reads the forms of the object and of the answer.
func selectForms(doc *s3xml.SelectObjectContentRequest) (in s3select.Input, out s3select.Output, err error) {
	in.LastStart = -1
	if doc.ExpressionType != "SQL" {
		return in, out, badSelect("InvalidExpressionType", "The ExpressionType is invalid. Only SQL expressions are supported.")
	}
	if doc.Expression == "" {
		return in, out, badSelect("MissingRequiredParameter", "The SelectRequest entity is missing a required parameter: Expression.")
	}
	i, o := doc.InputSerialization, doc.OutputSerialization
	switch {
	case i == nil || o == nil || i.CSV == nil && i.JSON == nil && i.Parquet == nil || o.CSV == nil && o.JSON == nil:
		return in, out, badSelect("MissingRequiredParameter", "The SelectRequest entity is missing a required parameter.")
	case i.CSV != nil && i.JSON != nil || o.CSV != nil && o.JSON != nil:
		return in, out, badSelect("ObjectSerializationConflict", "The SelectRequest entity can only contain one of CSV or JSON.")
	case i.Parquet != nil:
		return in, out, s3err.Newf(s3err.NotImplemented, "Selecting from Parquet is not implemented")
	}
	in.Compression = i.CompressionType
	if c := i.CSV; c != nil {
		switch strings.ToUpper(c.FileHeaderInfo) {
		case "", "NONE", "USE", "IGNORE":
		default:
			return in, out, badSelect("InvalidFileHeaderInfo", "The FileHeaderInfo is invalid. Only NONE, USE, and IGNORE are supported.")
		}
		in.CSV = &s3select.CSVInput{
			Header: c.FileHeaderInfo, RecordDelimiter: c.RecordDelimiter, FieldDelimiter: c.FieldDelimiter, Quote: c.QuoteCharacter,
			Escape: c.QuoteEscapeCharacter, Comment: c.Comments, QuotedDelimiters: c.AllowQuotedRecordDelimiter,
		}
	} else {
		if t := strings.ToUpper(i.JSON.Type); t != "LINES" && t != "DOCUMENT" {
			return in, out, badSelect("InvalidJsonType", "The JsonType is invalid. Only DOCUMENT and LINES are supported.")
		}
		in.JSON = i.JSON.Type
	}
	if c := o.CSV; c != nil {
		switch strings.ToUpper(c.QuoteFields) {
		case "", "ASNEEDED", "ALWAYS":
		default:
			return in, out, badSelect("InvalidQuoteFields", "The QuoteFields is invalid. Only ALWAYS and ASNEEDED are supported.")
		}
		out.CSV = &s3select.CSVOutput{
			QuoteAlways: strings.EqualFold(c.QuoteFields, "ALWAYS"), Escape: c.QuoteEscapeCharacter, RecordDelimiter: c.RecordDelimiter,
			FieldDelimiter: c.FieldDelimiter, Quote: c.QuoteCharacter,
		}
		return in, out, nil
	}
	out.JSON = &o.JSON.RecordDelimiter
	return in, out, nil
}

// scanRange narrows what is read to the records that begin between two offsets, both included. Without a start the end is a
// number of bytes at the end of the object.
func (r *request) scanRange(doc *s3xml.SelectObjectContentRequest, in *s3select.Input, get *object.GetInput) error {
	if c := strings.ToUpper(in.Compression); c != "" && c != "NONE" || strings.EqualFold(in.JSON, "DOCUMENT") || in.CSV != nil && in.CSV.QuotedDelimiters {
		return badSelect("UnsupportedScanRangeInput", "Scan range queries are not supported on this type of object.")
	}
	info, err := r.srv.objects.Head(r.ctx, r.who, get)
	if err != nil {
		return err
	}
	start, end := int64(0), info.Size-1
	s, e := doc.ScanRange.Start, doc.ScanRange.End
	switch {
	case s == nil && e == nil, s != nil && *s < 0, e != nil && *e < 0, s != nil && e != nil && *e < *s:
		return badSelect("InvalidScanRange", "The value of the scan range is invalid.")
	case s == nil:
		start = max(info.Size-*e, 0)
	default:
		start = *s
		if e != nil {
			end = min(*e, end)
		}
	}
	if start >= info.Size {
		return badSelect("InvalidScanRange", "The scan range lies behind the end of the object.")
	}
	get.Conditions.IfMatch = []string{info.ETag}
	if start > 0 {
		if in.CSV != nil && strings.EqualFold(in.CSV.Header, "USE") {
			if in.Names, err = r.headerOf(in.CSV, get); err != nil {
				return err
			}
		}
		in.Partial = true
		start-- // a record may begin right behind the byte before
		get.Range = object.Range{Kind: object.RangeFrom, First: start}
	}
	in.LastStart = end - start
	return nil
}

// headerOf reads the header of an object that is read from its middle on.
func (r *request) headerOf(c *s3select.CSVInput, get *object.GetInput) ([]string, error) {
	res, err := r.srv.objects.Get(r.ctx, r.who, get)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	names, err := s3select.Header(*c, io.LimitReader(res.Body, s3select.MaxRecord+1))
	return names, selectFailure(err)
}
