// Package s3api is the S3 REST front end: it turns requests into calls of core/object and its results into answers.
//
// The way of a request: receive (request.go, target.go) -> find the operation (operations.go) -> authenticate (auth.go) -> its
// handler, one file per operation (put_object.go) -> respond (response.go), which is the only place that writes answers,
// errors included. Bodies are opened by body.go: framing is undone there, signatures of chunks and lengths are verified, and
// checksums are handed to core/object, which compares them.
//
// # Guarantees
//
//   - Nothing of a request is acted on before its signature is verified; with Expect: 100-continue not even its body is
//     asked for.
//   - Keys reach core exactly as sent, percent-decoded once: never cleaned, joined or split.
//   - A body is visible as an object only when its length, its signatures and its checksums were right.
//   - Every answer carries Date, x-amz-request-id and x-amz-id-2, those to unparsable requests included, and every
//     request is told to the Observer once.
//   - Memory per request is bounded whatever its body: objects are streamed, XML and form fields are limited.
//   - No string that fasthttp will reuse leaves a request.
//
// It holds no rules of S3 beyond the protocol: whether a key may be overwritten is for core/object to say. It may not
// import storage.
package s3api
