package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aureole-cloud/aureole/core/errs"
)

// Publisher sends messages to targets by ARN. The last part of an ARN is the target's name, whatever stands before it: so
// arn:aureole:webhook:::NAME and arn:aws:sqs:us-east-1:123456789012:NAME are both about the target NAME.
type Publisher struct {
	targets *Targets
	client  *http.Client

	mu struct {
		sync.Mutex
		conns map[string]*natsConn
	}
}

// natsConn is a connection to the server of a target, as the target was when it was made.
type natsConn struct {
	target Target
	conn   *nats.Conn
}

// NewPublisher sends to targets.
func NewPublisher(targets *Targets) *Publisher {
	p := &Publisher{targets: targets, client: &http.Client{
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	p.mu.conns = map[string]*natsConn{}
	return p
}

// Close ends all connections.
func (p *Publisher) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.mu.conns {
		c.conn.Close()
	}
	clear(p.mu.conns)
	p.client.CloseIdleConnections()
}

// targetOf finds the target that an ARN names.
func (p *Publisher) targetOf(ctx context.Context, arn string) (Target, error) {
	t, err := p.targets.Get(ctx, arn[strings.LastIndexByte(arn, ':')+1:])
	if err == nil && t.Kind == S3 {
		err = errs.New(errs.NotFound, "", "target %q takes no messages", t.Name)
	}
	return t, err
}

// Find fails when no target has that ARN.
func (p *Publisher) Find(ctx context.Context, arn string) error {
	_, err := p.targetOf(ctx, arn)
	return err
}

// patience is how long a receiver may take.
const patience = 30 * time.Second

// Publish sends a message and returns when its receiver has confirmed it.
func (p *Publisher) Publish(ctx context.Context, arn string, message []byte) error {
	t, err := p.targetOf(ctx, arn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch t.Kind {
	case Webhook:
		err = p.post(ctx, &t, message)
	case NATS:
		err = p.publishNATS(ctx, &t, message)
	case SQS:
		err = p.send(ctx, &t, message)
	}
	if err != nil {
		return fmt.Errorf("remote: target %s: %w", t.Name, err)
	}
	return nil
}

// errStatus: a receiver answered with something else than success.
var errStatus = errors.New("remote: refused by the receiver")

// post sends a message to a webhook.
func (p *Publisher) post(ctx context.Context, t *Target, message []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(message))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Aureole")
	if token := t.Secret.Reveal(); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("%w: %s", errStatus, resp.Status)
	}
	return nil
}

// publishNATS sends a message to a subject. Without a stream it is confirmed that the server has it, not that anybody reads it.
func (p *Publisher) publishNATS(ctx context.Context, t *Target, message []byte) error {
	conn, err := p.natsConn(t)
	if err != nil {
		return err
	}
	if t.Stream {
		js, err := jetstream.New(conn)
		if err != nil {
			return err
		}
		_, err = js.Publish(ctx, t.Subject, message)
		return err
	}
	if err := conn.Publish(t.Subject, message); err != nil {
		return err
	}
	return conn.FlushWithContext(ctx)
}

// natsConn returns the connection to the server of a target, and makes it anew when the target has changed.
func (p *Publisher) natsConn(t *Target) (*nats.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.mu.conns[t.Name]; c != nil {
		if c.target == *t && !c.conn.IsClosed() {
			return c.conn, nil
		}
		c.conn.Close()
		delete(p.mu.conns, t.Name)
	}
	options := []nats.Option{nats.Name("aureole"), nats.Timeout(5 * time.Second), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1)}
	switch secret := t.Secret.Reveal(); {
	case t.AccessKey != "":
		options = append(options, nats.UserInfo(t.AccessKey, secret))
	case secret != "":
		options = append(options, nats.Token(secret))
	}
	conn, err := nats.Connect(t.URL, options...)
	if err != nil {
		return nil, err
	}
	p.mu.conns[t.Name] = &natsConn{*t, conn}
	return conn, nil
}

// send sends a message to a queue; the URL of the target is that of the queue.
func (p *Publisher) send(ctx context.Context, t *Target, message []byte) error {
	region := t.Region
	if region == "" {
		region = "us-east-1"
	}
	endpoint := t.URL
	if i := strings.Index(endpoint, "://"); i >= 0 {
		if j := strings.IndexByte(endpoint[i+3:], '/'); j >= 0 {
			endpoint = endpoint[:i+3+j]
		}
	}
	c := sqs.New(sqs.Options{
		Region: region, BaseEndpoint: &endpoint, HTTPClient: p.client, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(t.AccessKey, t.Secret.Reveal(), ""),
	})
	body := string(message)
	_, err := c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &t.URL, MessageBody: &body})
	return err
}
