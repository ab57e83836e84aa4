package observe

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Instances tells how many instances are in each state, counted when it is asked.
type Instances struct {
	Count func(ctx context.Context) (map[string]int, error)
}

var instancesDesc = prometheus.NewDesc("aureole_ec2_instances", "Instances by state, terminated ones as long as they are visible.", []string{"state"}, nil)

// instanceStates are told even when there are none.
var instanceStates = [...]string{"pending", "running", "stopping", "stopped", "shutting-down", "terminated"}

// countTime bounds a count.
const countTime = 5 * time.Second

// Describe implements prometheus.Collector.
func (i Instances) Describe(ch chan<- *prometheus.Desc) { ch <- instancesDesc }

// Collect implements prometheus.Collector.
func (i Instances) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTime)
	defer cancel()
	n, err := i.Count(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(instancesDesc, err)
		return
	}
	for _, state := range instanceStates {
		ch <- prometheus.MustNewConstMetric(instancesDesc, prometheus.GaugeValue, float64(n[state]), state)
	}
}
