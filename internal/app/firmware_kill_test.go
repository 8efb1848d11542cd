package app

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/bmc"
	"socle/internal/depot"
	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
	"socle/provision"
)

// flasher is a process that works on a campaign, and is killed at one of its steps.
type flasher struct {
	URL, Keys       string // of the database
	Files, FilesURL string

	mortal
	*store.Store `json:"-"`
	*updates
}

const flasherEnv = "SOCLE_TEST_FLASHER"

func (f *flasher) StartUpdate(ctx context.Context, m inventory.Machine, item inventory.UpdateItem) (string, error) {
	f.at()
	defer f.at()
	return f.updates.StartUpdate(ctx, m, item)
}

func (f *flasher) AwaitBMC(ctx context.Context, m inventory.Machine) error {
	f.at()
	defer f.at()
	return f.updates.AwaitBMC(ctx, m)
}

func (f *flasher) SetPower(ctx context.Context, m inventory.Machine, action string) (inventory.Power, error) {
	f.at()
	defer f.at()
	return f.updates.SetPower(ctx, m, action)
}

// ChangeCampaign dies after a change only: a look that changes nothing is made any number of times.
func (f *flasher) ChangeCampaign(ctx context.Context, id string, fn func(*inventory.Campaign) ([]inventory.Event, error)) (inventory.Campaign, error) {
	changed := false
	c, err := f.Store.ChangeCampaign(ctx, id, func(c *inventory.Campaign) ([]inventory.Event, error) {
		before, _ := json.Marshal([]any{c, c.Updates})
		events, err := fn(c)
		after, _ := json.Marshal([]any{c, c.Updates})
		changed = !reflect.DeepEqual(before, after)
		return events, err
	})
	if changed && err == nil {
		f.at()
	}
	return c, err
}

// run works until the campaign is over, or dies on the way.
func (f *flasher) run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	keys, err := secret.Open(f.Keys)
	if err != nil {
		return err
	}
	if f.Store, err = store.Open(ctx, store.Options{URL: f.URL, Keys: keys}); err != nil {
		return err
	}
	key, err := f.Key(ctx, "boot-tokens")
	if err != nil {
		return err
	}
	dir, err := depot.Open(f.Files)
	if err != nil {
		return err
	}
	f.updates = &updates{bmcs: &bmcs{driver: bmc.New(tolerant), logins: f.Store}, files: dir, url: f.FilesURL}
	e, err := provision.New(ctx, provision.Options{Store: f, BMC: f, Updates: f, BootKey: key, UpdateLimits: provision.UpdateLimits{Poll: 10 * time.Millisecond}})
	if err != nil {
		return err
	}
	return workUntil(ctx, e, f.Store, func() (bool, any, error) {
		c, err := f.Campaign(ctx, "")
		return err == nil && !c.Running(), c, err
	})
}

// TestCampaignKilled kills a process that updates a server's BIOS and its BMC, before and after its steps, and lets
// another one go on. In the end the firmware is what was asked for, the power was taken away once, and no update was
// ordered more than once beyond the one whose answer was lost.
func TestCampaignKilled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url   func(testing.TB) string
		kills []int
	}{
		"sqlite":   {func(t testing.TB) string { return filepath.Join(t.TempDir(), "socle.db") }, []int{5, 9, 12, 17}},
		"postgres": {pgtest.URL, []int{9}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range c.kills {
				t.Run(fmt.Sprint(n), func(t *testing.T) {
					t.Parallel()
					campaignKilled(t, c.url(t), n)
				})
			}
		})
	}
}

func campaignKilled(t *testing.T, url string, n int) {
	specs := redfishtest.Specs(1, nil, "admin", secret.New(hallPassword))
	specs[0].On = true
	h := newHall(t, url, specs)
	_, err := h.engine.UpdateFirmware(t.Context(), "test", api.UpdateRequest{Baseline: "autumn", Machines: []string{"n0001"}})
	must(t, err)
	for first := true; ; first = false {
		f := map[string]any{"URL": url, "Keys": h.ring, "Files": h.files, "FilesURL": h.filesURL}
		if first {
			f["Kill"] = n
		}
		spec, err := json.Marshal(f)
		must(t, err)
		died := killed(t, flasherEnv+"="+string(spec))
		if died != first {
			t.Fatalf("step %d: died %v, the first %v", n, died, first)
		}
		if !died {
			break
		}
	}
	c, err := h.store.Campaign(t.Context(), "")
	must(t, err)
	m := h.fleet.Members[0]
	if c.Open() || c.Updates[0].State != inventory.UpdateDone || m.BMC.FirmwareVersion("BIOS") != "99.1" || m.BMC.FirmwareVersion("BMC") != "99.2" {
		t.Errorf("step %d: in the end %+v", n, c)
	}
	if diff := cmp.Diff([]string{redfish.ForceOff, redfish.On}, m.VM.Actions()); diff != "" {
		t.Errorf("step %d: %s", n, diff)
	}
	all := int64(0)
	for _, name := range []string{"BIOS.bin", "BMC.bin"} {
		times, _ := h.fetched.LoadOrStore(name, new(atomic.Int64))
		one := times.(*atomic.Int64).Load()
		if all += one; one < 1 {
			t.Errorf("step %d: %s was fetched %d times", n, name, one)
		}
	}
	if all > 3 { // one more than needed, if the answer to an order was lost
		t.Errorf("step %d: firmware was fetched %d times", n, all)
	}
	if h.machine("n0001").Hold != nil {
		t.Errorf("step %d: the machine is still held", n)
	}
}
