// Package s3err is the table of S3's errors: code, status and message as Amazon S3 sends them, the XML body, and the
// one translation from core's failures (errs.E, sigv4.Error) to codes.
//
// A code that is answered anywhere in s3api is a constant here and has a row in the table. The cause of an error that is
// not the client's fault never reaches the client: it is kept in Cause for the log.
package s3err
