// Package observe is what the process tells about itself: the metrics of Prometheus and the access log.
//
// Guarantees: a request costs a few atomic additions and no allocation unless it is logged; label values come
// from fixed sets (operations, error codes, devices), never from what a client sent; no secret is ever logged. Figures of
// the store, the devices and repair are read when they are scraped, not kept twice.
package observe
