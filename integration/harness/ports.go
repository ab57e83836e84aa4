package harness

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// freePort finds a TCP port on the loopback address that a server may be started and restarted on. It stays below
// Linux's range of ephemeral ports: a port from that range can become some client's local port while the server is
// down between a kill and its restart, and then the restart fails for no fault of the server.
func freePort() (int, error) {
	const low, high = 11000, 32000
	for range 100 {
		port := low + rand.IntN(high-low)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("harness: no free port found")
}
