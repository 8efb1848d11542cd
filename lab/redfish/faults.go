package redfish

import (
	"net/http"
	"sync/atomic"
	"time"
)

// Faults makes the service misbehave as real controllers do. All may be changed while it serves; the zero
// value is a controller that works.
type Faults struct {
	Hang         atomic.Bool  // accepts every request and never answers
	SlowNS       atomic.Int64 // waits this many nanoseconds before every answer
	Unauthorized atomic.Bool  // refuses every login and every session (401)
	Conflict     atomic.Bool  // answers 409 to every change, as a controller that is busy
	ForgetBoot   atomic.Bool  // accepts a boot override and does not keep it
	Ignore       atomic.Bool  // accepts every change and does nothing
	Broken       atomic.Bool  // answers 200 with something that is not JSON
}

// Slow sets the wait before every answer.
func (f *Faults) Slow(d time.Duration) { f.SlowNS.Store(int64(d)) }

// delay carries out Hang and Slow. It returns false when the request is over and must not be answered.
func (f *Faults) delay(r *http.Request) bool {
	if f.Hang.Load() {
		<-r.Context().Done()
		return false
	}
	wait := time.Duration(f.SlowNS.Load())
	if wait <= 0 {
		return true
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
