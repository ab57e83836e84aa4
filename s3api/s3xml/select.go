package s3xml

// MaxText lets statements be longer than the texts of other documents: Amazon takes 256 KiB. It is more than that, so
// that who reads the statement can say that it is too long.
func (*SelectObjectContentRequest) MaxText() int { return 1 << 20 }

// SelectObjectContentRequest is the body of the operation of that name.
type SelectObjectContentRequest struct {
	Expression      string `xml:"Expression"`
	ExpressionType  string `xml:"ExpressionType"`
	RequestProgress struct {
		Enabled bool `xml:"Enabled"`
	} `xml:"RequestProgress"`
	InputSerialization *struct {
		CompressionType string `xml:"CompressionType"`
		CSV             *struct {
			FileHeaderInfo             string `xml:"FileHeaderInfo"`
			Comments                   string `xml:"Comments"`
			QuoteEscapeCharacter       string `xml:"QuoteEscapeCharacter"`
			RecordDelimiter            string `xml:"RecordDelimiter"`
			FieldDelimiter             string `xml:"FieldDelimiter"`
			QuoteCharacter             string `xml:"QuoteCharacter"`
			AllowQuotedRecordDelimiter bool   `xml:"AllowQuotedRecordDelimiter"`
		} `xml:"CSV"`
		JSON *struct {
			Type string `xml:"Type"`
		} `xml:"JSON"`
		Parquet *struct{} `xml:"Parquet"`
	} `xml:"InputSerialization"`
	OutputSerialization *struct {
		CSV *struct {
			QuoteFields          string `xml:"QuoteFields"`
			QuoteEscapeCharacter string `xml:"QuoteEscapeCharacter"`
			RecordDelimiter      string `xml:"RecordDelimiter"`
			FieldDelimiter       string `xml:"FieldDelimiter"`
			QuoteCharacter       string `xml:"QuoteCharacter"`
		} `xml:"CSV"`
		JSON *struct {
			RecordDelimiter string `xml:"RecordDelimiter"`
		} `xml:"JSON"`
	} `xml:"OutputSerialization"`
	ScanRange *struct {
		Start *int64 `xml:"Start"`
		End   *int64 `xml:"End"`
	} `xml:"ScanRange"`
}
