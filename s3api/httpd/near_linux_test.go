package httpd

import (
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSendBufferOfANearClient: a connection over loopback gets a small send buffer when it has been given large answers, not
// before, and goes on working.
func TestSendBufferOfANearClient(t *testing.T) {
	limits := DefaultLimits()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(ln, &limits, nil, slog.New(slog.DiscardHandler))
	l.plain = true
	defer l.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	buffer := func() (n int) {
		raw, err := nc.(*conn).Conn.(*net.TCPConn).SyscallConn()
		if err == nil {
			err = raw.Control(func(fd uintptr) { n, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF) })
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const piece = 128 << 10
	send := func(n int) {
		t.Helper()
		read := make(chan error, 1)
		go func() {
			_, err := io.CopyN(io.Discard, client, int64(n))
			read <- err
		}()
		for range n / piece {
			if _, err := nc.Write(make([]byte, piece)); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-read; err != nil {
			t.Fatal(err)
		}
	}
	send(fitAfter / 2)
	most, err := os.ReadFile("/proc/sys/net/core/wmem_max")
	if err != nil {
		t.Fatal(err)
	}
	fitted, err := strconv.Atoi(strings.TrimSpace(string(most)))
	if err != nil {
		t.Fatal(err)
	}
	fitted = 2 * min(fitted, nearBuffer) // Linux doubles what it is told, for its own overhead
	if nc.(*conn).fitted {
		t.Errorf("send buffer of %d bytes after no more than %d were sent", buffer(), fitAfter/2)
	}
	send(2 * fitAfter)
	if n := buffer(); n != fitted {
		t.Errorf("send buffer of %d bytes after large answers, want %d", n, fitted)
	}
	send(16 * fitAfter)
	if n := buffer(); n != fitted {
		t.Errorf("send buffer grew to %d bytes", n)
	}
}
