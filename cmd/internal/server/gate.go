package server

import (
	"net/http"
	"sync"
)

// gate lets requests through until it is closed, which waits for those under way: http.Server.Close cuts their
// connections and does not wait for their handlers.
type gate struct {
	mu     sync.RWMutex // held for reading by every request
	closed bool
}

func (g *gate) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.RLock()
		defer g.mu.RUnlock()
		if g.closed {
			http.Error(w, "stopped", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}
