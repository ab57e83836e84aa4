package httpd

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// shortestTrip is the shortest round trip that the kernel has seen on a connection, 0 when it cannot say.
func shortestTrip(c *net.TCPConn) time.Duration {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	var info *unix.TCPInfo
	err = raw.Control(func(fd uintptr) { info, _ = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err != nil || info == nil || info.Min_rtt == ^uint32(0) { // not measured yet
		return 0
	}
	return time.Duration(info.Min_rtt) * time.Microsecond
}
