package observe

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aureole-cloud/aureole/core/object"
)

// Background is a collector of what the object store does on its own.
func Background(of func() object.Background) prometheus.Collector {
	return &background{of: of, figures: []backgroundFigure{
		{gauge("outbox_waiting", "Notifications and replicas that wait to be sent."), func(b object.Background) int64 { return b.Waiting }},
		{counter("outbox_given_up_total", "Notifications that were given up."), func(b object.Background) int64 { return b.GivenUp }},
		{counter("outbox_failures_total", "Attempts to send that failed."), func(b object.Background) int64 { return b.Failures }},
		{counter("lifecycle_versions_total", "Versions that lifecycle passes looked at."), func(b object.Background) int64 { return b.Lifecycle.Versions }},
		{counter("lifecycle_expired_total", "Versions and delete markers that lifecycle rules ended."),
			func(b object.Background) int64 { return b.Lifecycle.Expired + b.Lifecycle.Noncurrent }},
		{counter("lifecycle_transitioned_total", "Versions whose class lifecycle rules changed."), func(b object.Background) int64 { return b.Lifecycle.Transitioned }},
		{counter("lifecycle_aborted_total", "Uploads that lifecycle rules gave up."), func(b object.Background) int64 { return b.Lifecycle.Aborted }},
	}}
}

type background struct {
	of      func() object.Background
	figures []backgroundFigure
}

type backgroundFigure struct {
	figure
	of func(object.Background) int64
}

// Describe implements prometheus.Collector.
func (c *background) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range c.figures {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c *background) Collect(ch chan<- prometheus.Metric) {
	b := c.of()
	for _, f := range c.figures {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, float64(f.of(b)))
	}
}
