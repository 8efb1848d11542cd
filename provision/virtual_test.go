package provision_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/provision"
)

// drive is the virtual drive of a server's BMC.
type drive struct {
	image string
	next  bool  // the next boot is from it
	dead  bool  // the server does not boot from it
	stuck error // what ejecting ends with

	steps int // of the engine with the drive, each counted before and after
	crash int // at which of them the engine dies; 0: at none
}

// errCrash is no Failure: the job ends in the middle, nothing more is written down, and another one begins anew.
var errCrash = errors.New("the process is killed here")

// at is before or after something that the engine does with the drive.
func (d *drive) at() error {
	if d.steps++; d.steps == d.crash {
		return errCrash
	}
	return nil
}

// Insert implements provision.Drives.
func (r *rack) Insert(_ context.Context, m inventory.Machine, image string) error {
	s, err := r.bmc(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = s.drive.at()
	}
	if err != nil {
		return err
	}
	if s.drive.image != "" {
		return &provision.Failure{Kind: inventory.FaultBMC, Reason: "its drive holds another medium"}
	}
	s.drive.image = image
	return s.drive.at()
}

// Eject implements provision.Drives.
func (r *rack) Eject(_ context.Context, m inventory.Machine, ours func(string) bool) error {
	s, err := r.bmc(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = s.drive.at()
	}
	if err != nil {
		return err
	}
	if s.drive.stuck != nil {
		return s.drive.stuck
	}
	if s.drive.image != "" && ours(s.drive.image) {
		s.drive.image = ""
	}
	return s.drive.at()
}

// shelf keeps the media of the rack's machines.
type shelf struct {
	mu    sync.Mutex
	made  int
	media map[string][]string // parameters by URL
}

// Make implements provision.Media.
func (s *shelf) Make(_ context.Context, m inventory.Machine, params []string) (string, error) {
	if err := s.Remove(m); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	if s.media == nil {
		s.media = map[string][]string{}
	}
	url := fmt.Sprintf("http://socle.test/medium/%s/%d", m.ID, s.made)
	s.media[url] = params
	return url, nil
}

// Remove implements provision.Media.
func (s *shelf) Remove(m inventory.Machine) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for url := range s.media {
		if strings.Contains(url, m.ID) {
			delete(s.media, url)
		}
	}
	return nil
}

// Ours implements provision.Media.
func (*shelf) Ours(image string) bool { return strings.HasPrefix(image, "http://socle.test/medium/") }

func (s *shelf) get(url string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.media[url]
}

// fromDrive is the token on the medium, when the server is to boot from it.
func (s *server) fromDrive(context.Context) (token string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.drive.next || s.drive.dead {
		return "", false
	}
	s.drive.next = false
	for _, p := range s.rack.shelf.get(s.drive.image) {
		if token, ok = strings.CutPrefix(p, api.ParamToken+"="); ok {
			return token, true
		}
	}
	return "", false
}

// fromNetwork is the token that the network gives for a ramdisk; none for what boots its disk.
func (s *server) fromNetwork(ctx context.Context) (token string, ok bool) {
	select { // its firmware starts: real ones take a minute, in which the view has seen what was ordered
	case <-ctx.Done():
		return "", false
	case <-time.After(100 * time.Millisecond):
	}
	s.mu.Lock()
	forgot := s.forgets && !s.always
	s.mu.Unlock()
	if forgot {
		s.fromDisk()
		return "", false
	}
	var plan provision.BootPlan
	err := s.retry(ctx, func(e *provision.Engine) (err error) {
		plan, err = e.PlanBoot(ctx, s.id, "https://socle.test")
		return err
	})
	if err != nil {
		return "", false
	}
	if plan.Target != inventory.BootRamdisk {
		s.phoneHome(ctx)
		return "", false
	}
	return plan.Params[2][len(api.ParamToken)+1:], true
}

func (s *server) inDrive() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drive.image
}

// cut makes a server that nothing on its network boots.
func (r *rack) cut(name string) *server {
	s := r.add(name, 1)
	s.nics = false
	return s
}

func (r *rack) inspectByMedium(name string) {
	r.t.Helper()
	_, err := r.engine.Inspect(r.t.Context(), "test", name, api.InspectRequest{Media: true, Address: "198.18.0.50/24", Gateway: "198.18.0.1"})
	must(r.t, err)
}

func (r *rack) tells(name, text string) bool {
	r.t.Helper()
	m, err := r.store.Machine(r.t.Context(), name)
	must(r.t, err)
	all, err := r.store.Events(r.t.Context(), inventory.EventFilter{Machine: m.ID, Limit: 500})
	must(r.t, err)
	for _, e := range all {
		if strings.Contains(e.Reason, text) {
			return true
		}
	}
	return false
}

// wantEjected checks that nothing is left of a boot by medium.
func (r *rack) wantEjected(name string, s *server) {
	r.t.Helper()
	m := r.await(name, func(m inventory.Machine) bool { return !m.OwesEject() })
	if s.inDrive() != "" {
		r.t.Errorf("%s: the drive holds %s", name, s.inDrive())
	}
	r.shelf.mu.Lock()
	defer r.shelf.mu.Unlock()
	for url := range r.shelf.media {
		if strings.Contains(url, m.ID) {
			r.t.Errorf("%s: its medium can still be fetched", name)
		}
	}
}

// TestInspectByMedium: a server that nothing on its network boots comes by a medium in its BMC's drive, with the address
// that was given, and the medium goes when it is there. It keeps that way until it is inspected by the network.
func TestInspectByMedium(t *testing.T) {
	t.Parallel() // it waits most of the time
	onBoth(t, func(t *testing.T, r *rack) {
		s := r.cut("hv01")
		r.inspectByMedium("hv01")
		m := r.await("hv01", in(inventory.Ready))
		if !m.ByMedium() || m.Medium.Address != "198.18.0.50/24" {
			t.Errorf("its way is %+v", m.Medium)
		}
		r.wantEjected("hv01", s)
		if told := s.told(); len(told) != 1 || told[0] != "on" {
			t.Errorf("its BMC was told %v", told)
		}
		for _, text := range []string{"inspect, by virtual media", "lies in the virtual drive", "is ejected, and the BMC shows its drive empty"} {
			if !r.tells("hv01", text) {
				t.Errorf("the history does not say %q", text)
			}
		}
		if r.shelf.made != 1 {
			t.Errorf("%d media were made", r.shelf.made)
		}
		_, err := r.engine.Inspect(t.Context(), "test", "hv01", api.InspectRequest{})
		must(t, err)
		if m = r.await("hv01", in(inventory.Ready)); m.Medium != nil {
			t.Errorf("inspected by the network, its way is %+v", m.Medium)
		}
	})
}

// TestMediumSurvivesCrashes: the engine dies before or after each thing that it does with a drive. The next one goes on:
// every server is inspected in the end, and no medium is left in a drive or can be fetched.
func TestMediumSurvivesCrashes(t *testing.T) {
	t.Parallel() // it waits most of the time
	onBoth(t, func(t *testing.T, r *rack) {
		const steps = 6 // eject, insert, eject, each before and after
		servers := map[string]*server{}
		for n := range steps + 1 {
			name := fmt.Sprintf("hv%02d", n)
			servers[name] = r.cut(name)
			servers[name].drive.crash = n
			r.inspectByMedium(name)
		}
		for name, s := range servers {
			r.await(name, in(inventory.Ready))
			r.wantEjected(name, s)
			if told := s.told(); len(told) != 1 {
				t.Errorf("%s: its BMC was told %v", name, told)
			}
			if s.drive.steps < steps {
				t.Errorf("%s: only %d steps with its drive: the test has to know them all", name, s.drive.steps)
			}
		}
	})
}

// TestMediumGoesAfterAFailure: a boot by medium that no agent comes of is a fault with words of its own, and the medium is
// taken out all the same, as soon as the BMC lets it.
func TestMediumGoesAfterAFailure(t *testing.T) {
	t.Parallel() // it waits most of the time
	onBoth(t, func(t *testing.T, r *rack) {
		s := r.cut("hv01")
		r.down()
		r.limits.Boot = 300 * time.Millisecond
		r.start()
		s.drive.dead, s.drive.image = true, "http://socle.test/medium/of-an-earlier-boot"
		r.inspectByMedium("hv01")
		m := r.await("hv01", func(m inventory.Machine) bool { return m.Fault != nil })
		if m.Fault.Kind != inventory.FaultNoBoot || !strings.Contains(m.Fault.Reason, "boot medium") || m.State != inventory.Discovered {
			t.Errorf("%s, %+v", m.State, m.Fault)
		}
		r.wantEjected("hv01", s)
		if m = r.await("hv01", func(m inventory.Machine) bool { return m.Fault != nil }); !m.ByMedium() {
			t.Errorf("the way is forgotten: %+v", m.Medium)
		}

		s.mu.Lock()
		s.drive.stuck = &provision.Failure{Kind: inventory.FaultBMC, Reason: "the drive still holds a medium", Retry: true}
		s.drive.image = "http://socle.test/medium/that-sticks"
		s.mu.Unlock()
		_, err := r.store.Change(t.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
			m.Medium.In = time.Now()
			return inventory.Note{Kind: "test", Reason: "as if one had been inserted"}, nil
		})
		must(t, err)
		m = r.await("hv01", func(m inventory.Machine) bool { return m.Medium.Stuck != "" })
		if m.Fault == nil || m.Fault.Kind != inventory.FaultNoBoot {
			t.Errorf("the fault that is to be read is gone: %+v", m.Fault)
		}
		s.mu.Lock()
		s.drive.stuck = nil
		s.mu.Unlock()
		_, err = r.engine.Release(t.Context(), "test", "hv01") // any change wakes it
		must(t, err)
		r.wantEjected("hv01", s)
	})
}

// TestMediumNeedsRedfishAndASerial: what cannot end well is refused before anything is done.
func TestMediumNeedsRedfishAndASerial(t *testing.T) {
	t.Parallel() // it waits most of the time
	onBoth(t, func(t *testing.T, r *rack) {
		r.cut("hv01")
		for want, req := range map[string]api.InspectRequest{
			"address":            {Media: true, Address: "198.18.0.0/24"},
			"gateway":            {Media: true, Address: "198.18.0.5/24", Gateway: "198.19.0.1"},
			"for a boot by virt": {Address: "198.18.0.5/24"},
		} {
			if _, err := r.engine.Inspect(t.Context(), "test", "hv01", req); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v", req, err)
			}
		}
		m, err := r.store.Machine(t.Context(), "hv01")
		must(t, err)
		for want, spoil := range map[string]func(*inventory.Machine){
			"speaks Redfish": func(m *inventory.Machine) { m.BMC.Protocol = inventory.IPMI },
			"serial number":  func(m *inventory.Machine) { m.BMC.Protocol, m.Identity.Serial = inventory.Redfish, "" },
		} {
			_, err := r.store.Change(t.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
				spoil(m)
				return inventory.Note{Kind: "test", Reason: want}, nil
			})
			must(t, err)
			if _, err := r.engine.Inspect(t.Context(), "test", m.ID, api.InspectRequest{Media: true}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", want, err)
			}
		}
	})
}
