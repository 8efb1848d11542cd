package redfish

import (
	"io"
	"net/http"
	"time"
)

// fault asks whether a fault of the kind happens to this call.
func (b *BMC) fault(c *call, kind Kind) (Fault, bool) {
	f, ok := b.faults.occasion(kind, c.Method, c.URL.Path)
	if ok {
		c.hit = append(c.hit, kind)
	}
	return f, ok
}

// has is fault for those who need to know no more.
func (b *BMC) has(c *call, kind Kind) bool {
	_, ok := b.fault(c, kind)
	return ok
}

// misbehave carries out what holds for whole requests. It returns false when the request gets no answer.
func (b *BMC) misbehave(c *call) bool {
	// A body is read first, so that the connection notices when the client goes.
	c.read()
	if b.has(c, Hang) {
		<-c.Context().Done()
		return false
	}
	if b.has(c, Disconnect) {
		return false
	}
	if f, ok := b.fault(c, Restarts); ok {
		b.Restart()
		if f.For > 0 {
			b.away.Store(b.now().Add(f.For).UnixNano())
		}
		return false
	}
	if f, ok := b.fault(c, Slow); ok && f.For > 0 {
		t := time.NewTimer(f.For)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.Context().Done():
			return false
		}
	}
	return true
}

// broken answers in the place of the controller's logic when such a fault happens; nil means it does not.
func (b *BMC) broken(c *call) (done bool, err error) {
	switch {
	case b.has(c, Broken):
		_, _ = io.WriteString(c.w, "<html>controller is starting")
		return true, nil
	case b.has(c, Unavailable):
		c.w.Header().Set("Retry-After", "5")
		return true, problemf(http.StatusServiceUnavailable, "ServiceTemporarilyUnavailable", "The service is temporarily unavailable. Retry in 5 seconds.")
	case b.has(c, Error):
		return true, problemf(http.StatusInternalServerError, "InternalError", "The request failed due to an internal service error. The service is still operational.")
	}
	return false, nil
}
