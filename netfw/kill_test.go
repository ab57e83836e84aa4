package netfw_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/aureole-cloud/aureole/netfw/link"
)

var (
	kills    = flag.Int("kills", 12, "how often TestKilledAtAnyMoment kills the process")
	killSeed = flag.Uint64("kill-seed", 0, "what TestKilledAtAnyMoment draws from; 0: by chance")
)

// start starts this program in a role, with what it reads first.
func startRole(t *testing.T, role string, w world, unshare uintptr) (cmd *exec.Cmd, in io.WriteCloser, out *bufio.Reader, said *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd = exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unshare, Pdeathsig: syscall.SIGKILL}
	in, err = cmd.StdinPipe()
	must(t, err)
	pipe, err := cmd.StdoutPipe()
	must(t, err)
	said = new(bytes.Buffer)
	cmd.Stderr = said
	must(t, cmd.Start())
	must(t, json.NewEncoder(in).Encode(w))
	return cmd, in, bufio.NewReader(pipe), said
}

// reference is what a world looks like that was made at once, on a host that had nothing.
func reference(t *testing.T, w world) string {
	t.Helper()
	cmd, in, out, said := startRole(t, roleReference, w, syscall.CLONE_NEWNET|syscall.CLONE_NEWNS)
	must(t, in.Close())
	b, err := io.ReadAll(out)
	must(t, err)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("reference: %v\n%s", err, said)
	}
	return string(b)
}

// differ lists the lines that only one of two texts has.
func differ(have, want string) string {
	count := map[string]int{}
	under := func(s string, by int) {
		head := ""
		for line := range strings.Lines(s) {
			if strings.HasPrefix(line, "== ") {
				head = strings.TrimSpace(line)
				continue
			}
			count[head+": "+line] += by
		}
	}
	under(have, 1)
	under(want, -1)
	var out strings.Builder
	for line, n := range count {
		if n != 0 {
			fmt.Fprintf(&out, "%+d %s", n, line)
		}
	}
	return out.String()
}

// A process that changes everything at random is killed at random moments, while it changes and while it adopts what the one
// before left. The next one finds its way: the kernel has exactly what it would have if the world had been made at once. All
// the while packets of flows that every world allows pass, and none is missing.
func TestKilledAtAnyMoment(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-kill-seed=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	ext := outside(t)
	c := newCloud(t, killConfig())
	first := randomWorld(r)
	for k := range first.Networks {
		c.nets[first.Networks[k].ID] = &first.Networks[k]
	}
	n := c.nets[keptVPC]
	open := cidr(6, 80, 80, "0.0.0.0/0")
	n.Groups[0].Ingress = append(n.Groups[0].Ingress, open)
	c.apply(n)
	a := &guest{t: t, c: c, netID: n.ID, iface: n.Interfaces[0]}
	b := &guest{t: t, c: c, netID: n.ID, iface: n.Interfaces[1]}
	a.start()
	b.start()
	a.static()
	b.static()
	b.listen(80)
	conn, err := a.dial("10.0.0.11:80")
	must(t, err)
	defer func() { _ = conn.Close() }()
	if _, ok := ask(conn); !ok {
		t.Fatal("the flow does not work")
	}
	must(t, c.host.Close())

	var leases atomic.Int64
	fromOutside := a.watch(func(f []byte) bool {
		if udpTo(68)(f) {
			if m, err := dhcpv4.FromBytes(f[42:]); err == nil && m.YourIPAddr.String() == "10.0.0.10" {
				leases.Add(1)
			}
		}
		return udpTo(9001)(f)
	})
	inside := b.watch(udpTo(9000))
	stopInside := a.drip("10.0.0.11", 9000)
	stopOutside := dripFrom(t, ext, keptPublic+":9001")
	lease, err := dhcpv4.NewDiscovery(a.iface.MAC)
	must(t, err)
	ask4 := udp(a.iface.MAC, net.HardwareAddr{255, 255, 255, 255, 255, 255}, "0.0.0.0", "255.255.255.255", 68, 67, string(lease.ToBytes()))

	adopted := 0
	for round := range *kills {
		w := randomWorld(r)
		cmd, in, out, said := startRole(t, roleServer, w, 0)
		kill := func() {
			_ = cmd.Process.Kill()
			_ = in.Close()
			_, _ = io.Copy(io.Discard, out)
			_ = cmd.Wait()
			if !cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
				t.Fatalf("round %d: the process ended by itself: %s", round, said)
			}
		}
		if r.IntN(3) == 0 {
			time.Sleep(time.Duration(r.Int64N(int64(150 * time.Millisecond))))
			kill()
			continue
		}
		if line, err := out.ReadString('\n'); line != "adopted\n" {
			t.Fatalf("round %d: the process does not adopt: %v %s", round, err, said)
		}
		adopted++
		have, err := snapshot()
		must(t, err)
		if d := differ(have, reference(t, w)); d != "" {
			t.Errorf("round %d: the kernel has (+), or lacks (-):\n%s", round, d)
		}
		before := leases.Load()
		a.send(ask4)
		if settle(&leases, before+1) <= before {
			t.Errorf("round %d: no lease", round)
		}
		if _, ok := ask(conn); !ok {
			t.Errorf("round %d: the flow that no rule allows any more ended", round)
		}
		must(t, json.NewEncoder(in).Encode(r.Uint64()))
		time.Sleep(time.Duration(r.Int64N(int64(200 * time.Millisecond))))
		kill()
		if t.Failed() {
			break
		}
	}
	t.Logf("%d kills, %d times adopted to the end", *kills, adopted)
	if sent := stopInside(); settle(inside, sent) != sent {
		t.Errorf("%d of %d packets between guests arrived", inside.Load(), sent)
	}
	if sent := stopOutside(); settle(fromOutside, sent) != sent {
		t.Errorf("%d of %d packets from the outside arrived", fromOutside.Load(), sent)
	}
	c.open()
	for _, n := range c.nets {
		c.apply(n)
	}
}

// drip sends packets of one flow, some hundred a second, until stopped, and tells how many.
func (g *guest) drip(to string, port uint16) (stop func() int64) {
	frame := udp(g.iface.MAC, link.RouterMAC[:], g.ip(), to, 1, port, "drip")
	return every(3*time.Millisecond, func() bool { g.send(frame); return true })
}

// dripFrom does the same from a namespace.
func dripFrom(t *testing.T, ns *link.Namespace, to string) (stop func() int64) {
	t.Helper()
	var conn net.Conn
	must(t, ns.Do(func() (err error) { conn, err = net.Dial("udp", to); return err }))
	t.Cleanup(func() { _ = conn.Close() })
	return every(3*time.Millisecond, func() bool { _, err := conn.Write([]byte("drip")); return err == nil })
}

func every(d time.Duration, f func() bool) (stop func() int64) {
	var n int64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(d); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				if f() {
					n++
				}
			}
		}
	}()
	return func() int64 { close(done); <-ended; return n }
}
