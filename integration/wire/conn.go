package wire

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// Target is where and as whom requests go.
type Target struct {
	Endpoint string // http://host:port or https://host:port
	CAFile   string
	Access   string
	Secret   string
	Region   string
}

// Signer returns a signer with the target's keys.
func (t Target) Signer() *Signer {
	return &Signer{Access: t.Access, Secret: t.Secret, Region: t.Region}
}

// Host is the endpoint without its scheme.
func (t Target) Host() string {
	_, host, _ := strings.Cut(t.Endpoint, "://")
	return host
}

// Dial opens a connection.
func (t Target) Dial() (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	if !strings.HasPrefix(t.Endpoint, "https://") {
		return d.Dial("tcp", t.Host())
	}
	cfg := &tls.Config{NextProtos: []string{"http/1.1"}}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %s", t.CAFile)
		}
	}
	return tls.DialWithDialer(&d, "tcp", t.Host(), cfg)
}

// Reply is a whole answer.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	Closed bool // the server announced that it closes the connection
}

// Code returns the S3 error code of the body, "" when there is none.
func (r *Reply) Code() string {
	var e struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}
	if xml.NewDecoder(bytes.NewReader(r.Body)).Decode(&e) != nil {
		return ""
	}
	return e.Code
}

// Do signs r with SigV4 unless it carries an Authorization header or a query signature, sends it over a connection
// of its own and reads the answer.
func (t Target) Do(r *Request) (*Reply, error) {
	if r.Get("Authorization") == "" && !strings.Contains(r.Query, "Signature=") {
		if r.Host == "" {
			r.Host = t.Host()
		}
		t.Signer().SignV4(r, time.Now())
	}
	return t.Send(r)
}

// Send writes r as it stands over a connection of its own and reads the answer.
func (t Target) Send(r *Request) (*Reply, error) {
	conn, err := t.Dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if r.Host == "" {
		r.Host = t.Host()
	}
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	// A server may answer and close before it has read a body it refuses: the answer counts then, not the failure
	// to write.
	_, writeErr := conn.Write(append(r.AppendHead(nil), r.Body...))
	reply, err := ReadReply(bufio.NewReader(conn), r.Method)
	if err != nil && writeErr != nil {
		return nil, errors.Join(writeErr, err)
	}
	return reply, err
}

// ReadReply reads one final answer; interim 1xx answers are passed over.
func ReadReply(br *bufio.Reader, method string) (*Reply, error) {
	for {
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		return &Reply{Status: resp.StatusCode, Header: resp.Header, Body: body, Closed: resp.Close}, err
	}
}

// DoLarge is Do for bodies that are better not copied: head and body are written one after the other.
func (t Target) DoLarge(r *Request) (*Reply, error) {
	conn, err := t.Dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Minute))
	r.Host = t.Host()
	t.Signer().SignV4(r, time.Now())
	if _, err := conn.Write(r.AppendHead(nil)); err != nil {
		return nil, err
	}
	_, writeErr := conn.Write(r.Body)
	reply, err := ReadReply(bufio.NewReader(conn), r.Method)
	if err != nil && writeErr != nil {
		return nil, errors.Join(writeErr, err)
	}
	return reply, err
}

// Stream signs and sends r, which has no body, and hands the answer's body to read as it comes.
func (t Target) Stream(r *Request, read func(status int, body io.Reader) error) error {
	conn, err := t.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Minute))
	r.Host = t.Host()
	t.Signer().SignV4(r, time.Now())
	if _, err := conn.Write(r.AppendHead(nil)); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.Method})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return read(resp.StatusCode, resp.Body)
}
