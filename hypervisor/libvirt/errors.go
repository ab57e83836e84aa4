package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	lv "github.com/digitalocean/go-libvirt"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// classify gives an error of the protocol one of the contract's classes.
func classify(err error) error {
	for _, known := range []error{hypervisor.ErrNotFound, hypervisor.ErrForeign, hypervisor.ErrInvalid, hypervisor.ErrState,
		hypervisor.ErrUnavailable, hypervisor.ErrNoCapacity, hypervisor.ErrUnsupported, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return err
		}
	}
	var e lv.Error
	if !errors.As(err, &e) {
		if isDisconnected(err) {
			return fmt.Errorf("%w: %w", hypervisor.ErrUnavailable, err)
		}
		return err
	}
	switch lv.ErrorNumber(e.Code) {
	case lv.ErrNoDomain, lv.ErrDeviceMissing:
		return fmt.Errorf("%w: %w", hypervisor.ErrNotFound, err)
	case lv.ErrOperationInvalid:
		return fmt.Errorf("%w: %w", hypervisor.ErrState, err)
	case lv.ErrXMLError, lv.ErrXMLDetail, lv.ErrXMLInvalidSchema, lv.ErrInvalidArg, lv.ErrConfigUnsupported, lv.ErrDomExist:
		return fmt.Errorf("%w: %w", hypervisor.ErrInvalid, err)
	case lv.ErrNoSupport, lv.ErrOperationUnsupported, lv.ErrArgumentUnsupported:
		return fmt.Errorf("%w: %w", hypervisor.ErrUnsupported, err)
	case lv.ErrNoMemory:
		return fmt.Errorf("%w: %w", hypervisor.ErrNoCapacity, err)
	case lv.ErrRPC, lv.ErrNoConnect, lv.ErrInvalidConn, lv.ErrOperationTimeout:
		return fmt.Errorf("%w: %w", hypervisor.ErrUnavailable, err)
	case lv.ErrInternalError, lv.ErrSystemError:
		// The emulator's own message is all there is when the host can't give it memory or disk.
		if strings.Contains(e.Message, "Cannot allocate memory") || strings.Contains(e.Message, "cannot set up guest memory") ||
			strings.Contains(e.Message, "No space left on device") {
			return fmt.Errorf("%w: %w", hypervisor.ErrNoCapacity, err)
		}
	}
	return err
}

func isDisconnected(err error) bool {
	return errors.Is(err, lv.ErrInterrupted) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

func isCode(err error, codes ...lv.ErrorNumber) bool {
	var e lv.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code == uint32(c) {
			return true
		}
	}
	return false
}
