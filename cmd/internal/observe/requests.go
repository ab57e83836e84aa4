package observe

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aureole-cloud/aureole/s3api"
)

// Requests counts the requests of a front end. It is a prometheus.Collector and an s3api.Observer.
type Requests struct {
	total    *prometheus.CounterVec   // operation, status class
	seconds  *prometheus.HistogramVec // operation
	received *prometheus.CounterVec
	sent     *prometheus.CounterVec
	errors   *prometheus.CounterVec // operation, code

	// operations holds the series of each operation, so that a request finds them with one look-up by name.
	operations sync.Map // string -> *operation
}

type operation struct {
	class          [6]prometheus.Counter // by the first digit of the status; 0 for anything else
	seconds        prometheus.Observer
	received, sent prometheus.Counter
}

// latencyBuckets run from a cached HEAD to a slow disk's large upload.
var latencyBuckets = []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60, 300}

// NewRequests makes the counters of a service: "s3" gives aureole_s3_requests_total.
func NewRequests(service string) *Requests {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "aureole", Subsystem: service, Name: name, Help: help}, labels)
	}
	return &Requests{
		total:    counter("requests_total", "Answered requests by operation and class of status.", "operation", "status"),
		received: counter("received_bytes_total", "Bytes of request bodies, as decoded.", "operation"),
		sent:     counter("sent_bytes_total", "Bytes of response bodies.", "operation"),
		errors:   counter("errors_total", "Failed requests by operation and error code.", "operation", "code"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "aureole", Subsystem: service, Name: "request_seconds",
			Help: "Time from the start of a request to the end of its answer.", Buckets: latencyBuckets,
		}, []string{"operation"}),
	}
}

var classes = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

func (r *Requests) operation(name string) *operation {
	if o, ok := r.operations.Load(name); ok {
		return o.(*operation)
	}
	o := &operation{
		seconds:  r.seconds.WithLabelValues(name),
		received: r.received.WithLabelValues(name),
		sent:     r.sent.WithLabelValues(name),
	}
	for i, class := range classes {
		if i >= 2 {
			o.class[i] = r.total.WithLabelValues(name, class)
		}
	}
	for i := range 2 {
		o.class[i] = r.total.WithLabelValues(name, classes[0])
	}
	got, _ := r.operations.LoadOrStore(name, o)
	return got.(*operation)
}

// Observe counts a request.
func (r *Requests) Observe(e *s3api.Event) {
	o := r.operation(e.Operation)
	class := e.Status / 100
	if class < 0 || class >= len(o.class) {
		class = 0
	}
	o.class[class].Inc()
	o.seconds.Observe(e.Duration.Seconds())
	if e.BytesIn > 0 {
		o.received.Add(float64(e.BytesIn))
	}
	if e.BytesOut > 0 {
		o.sent.Add(float64(e.BytesOut))
	}
	if e.Code != "" {
		r.errors.WithLabelValues(e.Operation, e.Code).Inc()
	}
}

// Describe implements prometheus.Collector.
func (r *Requests) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range r.collectors() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (r *Requests) Collect(ch chan<- prometheus.Metric) {
	for _, c := range r.collectors() {
		c.Collect(ch)
	}
}

func (r *Requests) collectors() []prometheus.Collector {
	return []prometheus.Collector{r.total, r.seconds, r.received, r.sent, r.errors}
}
