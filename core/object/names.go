package object

import (
	"errors"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/aureole-cloud/aureole/core/errs"
)

// checkBucketName applies the rules for names of general purpose buckets:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func checkBucketName(name string) error {
	bad := func(why string) error {
		e := errs.New(errs.Invalid, InvalidBucketName, "The specified bucket is not valid.").On(name)
		e.Err = errors.New(why) // for logs; Amazon does not tell
		return e
	}
	if len(name) < 3 || len(name) > 63 {
		return bad("it must have 3 to 63 characters")
	}
	for i := range len(name) {
		c := name[i]
		edge := i == 0 || i == len(name)-1
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case (c == '-' || c == '.') && !edge:
		default:
			return bad("it may hold lower case letters, digits, dots and hyphens, and begins and ends with a letter or digit")
		}
	}
	if strings.Contains(name, "..") || strings.Contains(name, ".-") || strings.Contains(name, "-.") {
		return bad("a dot must stand between letters or digits")
	}
	if looksLikeIPv4(name) {
		return bad("it must not look like an IP address")
	}
	for _, p := range [...]string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, p) {
			return bad("the prefix " + p + " is reserved")
		}
	}
	for _, p := range [...]string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, p) {
			return bad("the suffix " + p + " is reserved")
		}
	}
	return nil
}

func looksLikeIPv4(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	// 192.168.005.4 is no address to netip, but it is to people and to old resolvers.
	fields := strings.Split(name, ".")
	if len(fields) != 4 {
		return false
	}
	for _, f := range fields {
		if len(f) == 0 || len(f) > 3 || strings.Trim(f, "0123456789") != "" {
			return false
		}
	}
	return true
}

// checkKey applies the rules for object keys: 1 to 1,024 bytes of UTF-8.
func checkKey(key string) error {
	switch {
	case key == "":
		return errs.New(errs.Invalid, InvalidArgument, "The key must not be empty.")
	case len(key) > MaxKeyLen:
		e := errs.New(errs.Invalid, KeyTooLong, "Your key is too long.")
		e.Detail = map[string]string{"Size": itoa(len(key)), "MaxSizeAllowed": itoa(MaxKeyLen)}
		return e
	case !utf8.ValidString(key):
		return errs.New(errs.Invalid, InvalidArgument, "The key is not valid UTF-8.")
	}
	return nil
}
