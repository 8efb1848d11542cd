package agent

import (
	"context"
	"errors"
	"testing"

	"socle/agent/agenttest"
	"socle/agent/disk"
	"socle/agent/probe"
	"socle/api"
	"socle/hardware"
)

// TestHands has an agent without a machine carry out orders: by its hands, and by nothing else. What is written to a disk
// on a real machine is refused when no hand is for it.
func TestHands(t *testing.T) {
	s := agenttest.New(t)
	var wrote []string
	r := &rig{Server: s, root: probe.Root{Sys: "/nonexistent", Proc: "/nonexistent", Dev: "/nonexistent"}}
	r.start(t, func(o *Options) {
		o.StateDir = ""
		o.Collect = func(context.Context) hardware.Facts {
			return hardware.Facts{System: hardware.System{Serial: serial}, Kernel: "none"}
		}
		o.Hands = map[string]Hand{
			api.OrderWriteImage: func(_ context.Context, o api.Order, progress func(done, total, wire int64)) (any, error) {
				wrote = append(wrote, o.ID)
				progress(3, 3, 1)
				return api.WriteResult{Bytes: 3}, nil
			},
			api.OrderSeed: func(context.Context, api.Order, func(int64, int64, int64)) (any, error) {
				return nil, &disk.Failure{Code: api.CodeNoDisk, Err: errors.New("there is none")}
			},
		}
	})
	id := s.Issue(api.OrderWriteImage, serial, api.WriteImage{DiskSerial: "D1"})
	if o := r.want(t, id, "done", ""); string(o.Final.Result) == "" || o.Final.Total != 3 || len(wrote) != 1 || wrote[0] != id {
		t.Errorf("it ended with %+v, and the hand was called for %v", o.Final, wrote)
	}
	r.want(t, s.Issue(api.OrderSeed, serial, api.Seed{DiskSerial: "D1"}), "refused", api.CodeNoDisk)
	r.want(t, s.Issue(api.OrderPrepareDisk, serial, api.PrepareDisk{DiskSerial: "VDA-1"}), "refused", api.CodeUnknownKind)
	r.want(t, s.Issue(api.OrderInspect, serial, nil), "done", "")
	if f := s.Facts(); len(f) < 2 || f[len(f)-1].Facts.Kernel != "none" {
		t.Errorf("the facts were not those that were collected: %+v", f)
	}
	r.want(t, s.Issue(api.OrderReboot, serial, nil), "done", "")
	if e := r.ended(t); e.outcome != Reboot || e.err != nil {
		t.Errorf("it ended with %+v", e)
	}
}
