// Package httpd is the HTTP/1.1 listener that the front ends share: Fiber on fasthttp, with the settings a server of
// large bodies needs.
//
// It guarantees that
//   - bodies are streamed, never buffered whole, and header sections are bounded;
//   - every wait on a client ends: the header section has a total time, a body and an answer have idle times that only
//     progress moves on, and a connection that is closed with unread input is first drained a little, so that the
//     client can read the answer;
//   - without TLS, a client nearby has no megabytes waiting for it in a send buffer, one far away as many as the kernel gives it;
//   - requests that cannot be parsed, and connections beyond the limit, are answered in the protocol of the front end;
//   - Shutdown lets running requests end, and cuts them when its context does.
//
// It knows no S3 and no EC2: what is answered comes from Config. One Server may serve several listeners.
package httpd
