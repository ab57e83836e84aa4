// Package s3select answers SELECT statements over one object of CSV or JSON: the SQL of S3 Select.
//
//	SELECT s.name, CAST(s.age AS INT) + 1 AS next FROM S3Object s WHERE s.city LIKE 'B%' LIMIT 10
//	SELECT COUNT(*), AVG(r.size) FROM S3Object[*].items[*] r
//
// Parse reads a statement; a Runner takes records from a reader one after the other and appends what is selected to a buffer.
//
// Guarantees: memory is bounded by the limits below, whatever the statement and the data are; no input makes it panic, and
// patterns take no more than the product of their length and the text's; a failure is an *Error with the code that S3 has for
// it. It does no I/O but to read from the reader it was given.
//
// Values of CSV are text. Where text meets a number it counts as one if it looks like one.
package s3select

import "fmt"

// Limits.
const (
	MaxStatement = 256 << 10 // bytes of a statement, as at Amazon
	MaxRecord    = 1 << 20   // bytes of a record of CSV or of a line of JSON, as at Amazon
	MaxDocument  = 16 << 20  // bytes of one JSON document
	maxDepth     = 64        // nesting of expressions and of JSON
	maxColumns   = 16 << 10  // fields of a record, items of a list
)

// Error is a failure of a statement or of the data, by S3's code.
type Error struct {
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func fail(code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// The codes of this package.
const (
	codeLexer       = "LexerInvalidChar"
	codeToken       = "ParseUnexpectedToken"
	codeMissingFrom = "ParseSelectMissingFrom"
	codeUnsupported = "UnsupportedSqlStructure"
	codeFunction    = "UnsupportedFunction"
	codeArguments   = "EvaluatorInvalidArguments"
	codeCast        = "CastFailed"
	codeTooLong     = "ExpressionTooLong"
	codeCSV         = "CSVParsingError"
	codeJSON        = "JSONParsingError"
	codeRecordSize  = "OverMaxRecordSize"
	codeColumns     = "OverMaxColumn"
	codeTruncated   = "TruncatedInput"
	codeCompression = "InvalidCompressionFormat"
	codeOverflow    = "IntegerOverflow"
	codeTimestamp   = "EvaluatorTimestampFormatPatternTokenNotSupported"
	codeInvalidTime = "EvaluatorInvalidTimestampFormatPattern"
)
