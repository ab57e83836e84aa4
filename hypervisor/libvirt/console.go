package libvirt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	lv "github.com/digitalocean/go-libvirt"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// maxScreenshot bounds a picture: 4K in PPM is 25 MB.
const maxScreenshot = 64 << 20

// Console opens the serial console.
func (d *Driver) Console(ctx context.Context, name string) (io.ReadWriteCloser, error) {
	if d.test {
		return nil, fmt.Errorf("console %s: %w: test instances have none", name, hypervisor.ErrUnsupported)
	}
	path := ""
	err := d.on(ctx, "console", name, func(l *lv.Libvirt, dom lv.Domain) error {
		v, err := d.views(l, dom)
		if err != nil {
			return err
		}
		if v.now == nil {
			return fmt.Errorf("%w: the machine is off", hypervisor.ErrState)
		}
		for _, s := range v.now.Devices.Serials {
			if s.Source != nil && s.Source.Pty != nil {
				path = s.Source.Pty.Path
			}
		}
		for _, c := range v.now.Devices.Consoles {
			if path == "" && c.Source != nil && c.Source.Pty != nil {
				path = c.Source.Pty.Path
			}
		}
		if path == "" {
			return fmt.Errorf("%w: the machine has no serial console", hypervisor.ErrUnsupported)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Non-blocking, so that Close wakes a Read. Not as our controlling terminal.
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("console %s: %w", name, err)
	}
	c := &console{File: f}
	d.mu.Lock()
	before := d.mu.consoles[name]
	d.mu.consoles[name] = c
	d.mu.Unlock()
	if before != nil {
		before.Close()
	}
	c.release = func() {
		d.mu.Lock()
		if d.mu.consoles[name] == c {
			delete(d.mu.consoles, name)
		}
		d.mu.Unlock()
	}
	c.stop = context.AfterFunc(ctx, func() { c.Close() })
	return c, nil
}

// console is the open pseudo-terminal of a machine.
type console struct {
	*os.File
	once    sync.Once
	release func()
	stop    func() bool
}

// Read returns what the machine wrote. The end of the machine is the end of the file.
func (c *console) Read(p []byte) (int, error) {
	n, err := c.File.Read(p)
	if errors.Is(err, syscall.EIO) {
		err = io.EOF
	}
	return n, err
}

// Close ends the use of the console; the machine does not notice.
func (c *console) Close() error {
	var err error
	c.once.Do(func() {
		err = c.File.Close()
		if c.stop != nil {
			c.stop()
		}
		if c.release != nil {
			c.release()
		}
	})
	return err
}

// Screenshot returns the picture of the first display.
func (d *Driver) Screenshot(ctx context.Context, name string) ([]byte, string, error) {
	if d.test {
		return nil, "", fmt.Errorf("screenshot %s: %w: test instances have no display", name, hypervisor.ErrUnsupported)
	}
	var picture limited
	mime := ""
	err := d.on(ctx, "screenshot", name, func(l *lv.Libvirt, dom lv.Domain) error {
		v, err := d.views(l, dom)
		switch {
		case err != nil:
			return err
		case v.now == nil:
			return fmt.Errorf("%w: the machine is off", hypervisor.ErrState)
		}
		shows := false
		for _, video := range v.now.Devices.Videos {
			shows = shows || video.Model.Type != "none"
		}
		if !shows {
			return fmt.Errorf("%w: the machine has no display", hypervisor.ErrUnsupported)
		}
		m, err := l.DomainScreenshot(dom, &picture, 0, 0)
		if len(m) > 0 {
			mime = m[0]
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return picture.b.Bytes(), mime, nil
}

// limited is a buffer that refuses to grow without bounds.
type limited struct{ b bytes.Buffer }

func (w *limited) Write(p []byte) (int, error) {
	if w.b.Len()+len(p) > maxScreenshot {
		return 0, errors.New("the picture is too large")
	}
	return w.b.Write(p)
}
