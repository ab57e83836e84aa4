package libvirt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	lv "github.com/digitalocean/go-libvirt"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// Bounds of the event connection: how long to wait before the next try, and how many events a watcher may lag behind.
const (
	reconnectMin = 100 * time.Millisecond
	reconnectMax = 500 * time.Millisecond
	lagMax       = 4096
)

// Watch delivers events until ctx is done.
func (d *Driver) Watch(ctx context.Context) <-chan hypervisor.Event { return d.hub.watch(ctx, "") }

// hub holds the event connection and hands what it says to the watchers.
type hub struct {
	d    *Driver
	conn *connection
	stop context.CancelFunc
	work sync.WaitGroup
	ctx  context.Context

	mu struct {
		sync.Mutex
		watchers map[*watcher]struct{}
		closed   bool
		down     error // why there are no events now
	}
}

func newHub(d *Driver) *hub {
	h := &hub{d: d, conn: &connection{cfg: d.cfg}}
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.mu.watchers = map[*watcher]struct{}{}
	h.work.Go(h.run)
	return h
}

func (h *hub) close() {
	h.mu.Lock()
	h.mu.closed = true
	h.mu.Unlock()
	h.stop()
	h.conn.close()
	h.work.Wait()
}

// run keeps a connection subscribed.
func (h *hub) run() {
	wait, told := reconnectMin, false
	for h.ctx.Err() == nil {
		subscribed, err := h.relay()
		if h.ctx.Err() != nil {
			return
		}
		h.setDown(err)
		if subscribed {
			wait, told = reconnectMin, false
		}
		if !told {
			h.d.cfg.Log.Warn("lost the events of libvirt; reconnecting", "err", err)
			told = true
		}
		select {
		case <-time.After(wait):
		case <-h.ctx.Done():
		}
		wait = min(2*wait, reconnectMax)
	}
}

func (h *hub) setDown(why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.down = why
}

// Down says why the daemon cannot be heard now; nil when it can.
func (d *Driver) Down() error {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	return d.hub.mu.down
}

// relay subscribes and passes events on until the connection breaks.
func (h *hub) relay() (subscribed bool, err error) {
	l, err := h.conn.get()
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(h.ctx)
	events := make(chan any)
	var pumps sync.WaitGroup
	defer func() {
		cancel()
		h.conn.cut() // ends the subscriptions on the daemon's side too
		pumps.Wait()
	}()
	for _, id := range []lv.DomainEventID{lv.DomainEventIDLifecycle, lv.DomainEventIDReboot, lv.DomainEventIDIoErrorReason, lv.DomainEventIDDeviceRemoved} {
		source, err := l.SubscribeEvents(ctx, id, nil)
		if err != nil {
			return false, err
		}
		pumps.Go(func() {
			for e := range source {
				select {
				case events <- e:
				case <-ctx.Done(): // the library blocks until its channel is emptied
				}
			}
		})
	}
	h.setDown(nil)
	h.send(hypervisor.Event{Kind: hypervisor.EventResync, Time: time.Now()})
	for {
		select {
		case e := <-events:
			// When the daemon does not say in time what the event is about, watchers have to list: they are told when it is heard again.
			if err := h.handle(e); err != nil && h.ctx.Err() == nil {
				return true, fmt.Errorf("cannot tell what an event is about: %w", err)
			}
		case <-l.Disconnected():
			err := fmt.Errorf("%w: the connection to libvirt broke", hypervisor.ErrUnavailable)
			h.setDown(err) // before the subscriptions are wound down, which may take a while
			return true, err
		case <-h.ctx.Done():
			return true, h.ctx.Err()
		}
	}
}

// handle turns an event of libvirt into one of the contract, if it is about an owned machine.
func (h *hub) handle(e any) error {
	out := hypervisor.Event{Time: time.Now()}
	var dom lv.Domain
	switch e := e.(type) {
	case *lv.DomainEventCallbackLifecycleMsg:
		dom = e.Msg.Dom
		if own, err := h.owned(dom); !own || err != nil {
			return err
		}
		if tell, err := h.lifecycle(dom, lv.DomainEventType(e.Msg.Event), e.Msg.Detail, &out); !tell || err != nil {
			return err
		}
	case *lv.DomainEventCallbackRebootMsg:
		dom, out.Kind = e.Msg.Dom, hypervisor.EventReboot
	case *lv.DomainEventCallbackIOErrorReasonMsg:
		dom, out.Kind, out.Device = e.Msg.Dom, hypervisor.EventDiskError, strings.TrimPrefix(e.Msg.DevAlias, diskAlias)
	case *lv.DomainEventCallbackDeviceRemovedMsg:
		dom = e.Msg.Dom
		switch alias := e.Msg.DevAlias; {
		case strings.HasPrefix(alias, diskAlias):
			out.Kind, out.Device = hypervisor.EventDiskDetached, strings.TrimPrefix(alias, diskAlias)
		case strings.HasPrefix(alias, nicAlias):
			out.Kind, out.Device = hypervisor.EventNICDetached, macOfAlias(alias)
		default:
			return nil
		}
	default:
		return nil
	}
	if own, err := h.owned(dom); !own || err != nil {
		return err
	}
	if out.Kind == hypervisor.EventUndefined {
		h.d.forget(dom)
	}
	out.Machine = dom.Name
	h.send(out)
	return nil
}

// lifecycle fills an event in, and says whether there is anything to tell.
func (h *hub) lifecycle(dom lv.Domain, what lv.DomainEventType, detail int32, out *hypervisor.Event) (tell bool, err error) {
	out.Kind = hypervisor.EventState
	switch what {
	case lv.DomainEventStopped:
		out.State = hypervisor.StateOff
		switch lv.DomainEventStoppedDetailType(detail) {
		case lv.DomainEventStoppedShutdown:
			out.Reason = hypervisor.ReasonGuest
		case lv.DomainEventStoppedDestroyed:
			out.Reason = hypervisor.ReasonDestroyed
		case lv.DomainEventStoppedCrashed, lv.DomainEventStoppedFailed:
			out.Reason = hypervisor.ReasonCrashed
		}
	case lv.DomainEventSuspended:
		out.State, out.Reason = hypervisor.StatePaused, hypervisor.ReasonUser
		if lv.DomainEventSuspendedDetailType(detail) == lv.DomainEventSuspendedIoerror {
			out.Reason = hypervisor.ReasonIOError
		}
	case lv.DomainEventResumed:
		out.State = hypervisor.StateRunning
	case lv.DomainEventShutdown:
		out.State, out.Reason = hypervisor.StateShuttingDown, hypervisor.ReasonGuest
	case lv.DomainEventCrashed:
		out.State, out.Reason = hypervisor.StateCrashed, hypervisor.ReasonCrashed
	case lv.DomainEventStarted:
		// It may have been started paused, which the event doesn't tell.
		ctx, cancel := context.WithTimeout(h.ctx, dialLimit)
		defer cancel()
		m, err := h.d.Get(ctx, dom.Name)
		if errors.Is(err, hypervisor.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		out.State, out.Reason = m.State, m.Reason
	case lv.DomainEventUndefined:
		out.Kind = hypervisor.EventUndefined
	default:
		return false, nil
	}
	return true, nil
}

func (h *hub) owned(dom lv.Domain) (bool, error) {
	h.d.mu.Lock()
	owner, ok := h.d.mu.owned[dom.UUID]
	h.d.mu.Unlock()
	if ok {
		return owner == h.d.cfg.Owner, nil
	}
	ctx, cancel := context.WithTimeout(h.ctx, dialLimit)
	defer cancel()
	err := h.d.pool.do(ctx, func(l *lv.Libvirt) (err error) {
		o, err := h.d.owner(l, dom)
		owner = o
		return err
	})
	if isCode(err, lv.ErrNoDomain) {
		return false, nil // it has gone, and nobody had asked for it
	}
	return err == nil && owner == h.d.cfg.Owner, err // after an error the call may still be going on
}

func (h *hub) send(e hypervisor.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.mu.watchers {
		if w.only == "" || w.only == e.Machine || e.Machine == "" {
			w.push(e)
		}
	}
}

// watch registers a watcher, of one machine if it has a name: of thousands that are stopped at a time none hears of the others.
// It is told to list first, whether or not the connection is up: what happens while it is
// down is made good for by the next such event.
func (h *hub) watch(ctx context.Context, only string) <-chan hypervisor.Event {
	out := make(chan hypervisor.Event)
	w := &watcher{only: only, wake: make(chan struct{}, 1)}
	w.push(hypervisor.Event{Kind: hypervisor.EventResync, Time: time.Now()})
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.closed {
		close(out)
		return out
	}
	h.mu.watchers[w] = struct{}{}
	h.work.Go(func() {
		defer close(out)
		defer func() {
			h.mu.Lock()
			delete(h.mu.watchers, w)
			h.mu.Unlock()
		}()
		for {
			e, ok := w.pop()
			if !ok {
				select {
				case <-w.wake:
					continue
				case <-ctx.Done():
					return
				case <-h.ctx.Done():
					return
				}
			}
			select {
			case out <- e:
			case <-ctx.Done():
				return
			case <-h.ctx.Done():
				return
			}
		}
	})
	return out
}

// watcher is the queue of one watcher. When it is full, one EventResync takes the place of all.
type watcher struct {
	only string // the machine it is told of; empty: all
	wake chan struct{}
	mu   sync.Mutex
	q    []hypervisor.Event
}

func (w *watcher) push(e hypervisor.Event) {
	w.mu.Lock()
	if len(w.q) >= lagMax {
		w.q = append(w.q[:0], hypervisor.Event{Kind: hypervisor.EventResync, Time: e.Time})
	} else {
		w.q = append(w.q, e)
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) pop() (hypervisor.Event, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.q) == 0 {
		return hypervisor.Event{}, false
	}
	e := w.q[0]
	w.q = w.q[1:]
	return e, true
}
