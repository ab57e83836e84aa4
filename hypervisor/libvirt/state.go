package libvirt

import (
	"cmp"
	"encoding/hex"
	"slices"

	lv "github.com/digitalocean/go-libvirt"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// machine asks for a domain's state.
func machine(l *lv.Libvirt, dom lv.Domain) (hypervisor.Machine, error) {
	state, reason, err := l.DomainGetState(dom, 0)
	if err != nil {
		return hypervisor.Machine{}, err
	}
	m := hypervisor.Machine{Name: dom.Name, UUID: formatUUID(dom.UUID)}
	m.State, m.Reason = translate(lv.DomainState(state), reason)
	return m, nil
}

func translate(state lv.DomainState, reason int32) (hypervisor.State, hypervisor.Reason) {
	switch state {
	case lv.DomainRunning, lv.DomainBlocked:
		return hypervisor.StateRunning, hypervisor.ReasonNone
	case lv.DomainPaused, lv.DomainPmsuspended:
		switch lv.DomainPausedReason(reason) {
		case lv.DomainPausedIoerror:
			return hypervisor.StatePaused, hypervisor.ReasonIOError
		case lv.DomainPausedCrashed:
			return hypervisor.StateCrashed, hypervisor.ReasonCrashed
		case lv.DomainPausedShuttingDown:
			return hypervisor.StateShuttingDown, hypervisor.ReasonGuest
		}
		return hypervisor.StatePaused, hypervisor.ReasonUser
	case lv.DomainShutdown:
		return hypervisor.StateShuttingDown, hypervisor.ReasonGuest
	case lv.DomainCrashed:
		return hypervisor.StateCrashed, hypervisor.ReasonCrashed
	}
	switch lv.DomainShutoffReason(reason) {
	case lv.DomainShutoffShutdown:
		return hypervisor.StateOff, hypervisor.ReasonGuest
	case lv.DomainShutoffDestroyed:
		return hypervisor.StateOff, hypervisor.ReasonDestroyed
	case lv.DomainShutoffCrashed:
		return hypervisor.StateOff, hypervisor.ReasonCrashed
	case lv.DomainShutoffFailed:
		return hypervisor.StateOff, hypervisor.ReasonFailed
	case lv.DomainShutoffDaemon:
		return hypervisor.StateOff, hypervisor.ReasonLost
	}
	return hypervisor.StateOff, hypervisor.ReasonNone
}

func sortMachines(list []hypervisor.Machine) {
	slices.SortFunc(list, func(a, b hypervisor.Machine) int { return cmp.Compare(a.Name, b.Name) })
}

func formatUUID(u lv.UUID) string {
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
