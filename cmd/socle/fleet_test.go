package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
	"socle/web/webtest"
)

func TestRanges(t *testing.T) {
	world, flags := rack(t)
	celsius := 24.5
	sensors := []inventory.Sensor{
		{Name: "Inlet", Kind: inventory.SensorTemperature, Value: &celsius, Unit: "Cel", Health: inventory.HealthOK, HighCritical: &celsius},
		{Name: "PSU2\x1b[2J", Kind: inventory.SensorSupply, Health: inventory.HealthCritical, State: "Failure detected"},
	}
	log := []inventory.LogEntry{{ID: "1", Time: world.Now(), Sensor: "PSU2", Text: "Failure detected", Health: inventory.HealthCritical}, {ID: "2", Text: "Log cleared"}}
	alarm := []inventory.Alarm{{Name: "hv01", Health: inventory.HealthCritical, Text: "PSU2 is critical", Since: world.Now()}}
	world.Ail("hv01", inventory.Condition{Sensors: sensors}, alarm, nil, log, false)
	world.Ail("hv02", inventory.Condition{Sensors: sensors[:1]}, nil, nil, nil, false)
	world.Ail("hv03", inventory.Condition{Sensors: sensors[:1]}, nil, nil, nil, false)
	world.Ail("st02", inventory.Condition{}, nil, nil, nil, true)
	for _, tc := range []struct {
		line string
		code int
		has  []string
		not  string
	}{
		{"bmc sensors hv[01-03]", 0, []string{"24.5 °C", "hv02  Inlet", "3 machines:", "2  hv[02-03]: all is well", "1  hv01: PSU2�[2J is critical"}, "\x1b"},
		{"bmc sensors --bad hv01,hv02", 0, []string{"hv01  PSU2", "hv02  all is well"}, "Inlet"},
		{"bmc sensors hv[01-03],st02", 6, []string{"st02  failed: ", "does not answer", "1  st02: failed: bmc-unreachable", "1 of 4 machines failed: st02"}, ""},
		{"bmc sensors st02", 6, []string{"st02: ", "does not answer"}, "machines:"},
		{"bmc sensors hv0[1-2],nobody", 3, []string{"nobody  failed: "}, ""},
		{"bmc sensors hv[01", 2, []string{"brackets"}, ""},
		{"bmc sensors hv01,-hv01", 2, []string{"takes away"}, ""},
		{"bmc sel hv[01-02]", 0, []string{"Failure detected", "no entries", "1 critical, 0 warning, 1 other"}, ""},
		{"bmc sel --bad hv01", 0, []string{"Failure"}, "cleared"},
		{"bmc sel --clear hv01", 0, []string{"hv01  cleared"}, ""},
		{"bmc firmware hv[01-02]", 0, []string{"updateable", "2  hv[01-02]: BIOS 3.4, BMC 1.73.06"}, ""},
		{"bmc show hv01", 0, []string{"redfish", "1.73.06"}, ""},
		{"bmc list", 0, []string{"MACHINE", "PROBLEM", "hv01", "st02"}, ""},
		{"bmc list hv[01-02]", 0, []string{"hv01", "hv02"}, "st02"},
		{"bmc list hv[01", 2, []string{"brackets"}, ""},
		{"bmc adopt hv[01-02]", 0, []string{"hv01  the agent makes one", "2  hv[01-02]: the agent"}, ""},
		{"bmc adopt hv01 --user root", 1, []string{"password-file"}, ""},
		{"bmc adopt nobody", 3, []string{"nobody"}, ""},
		{"bmc reset hv[01-02]", 0, []string{"answers again after", "2  hv[01-02]: answers again"}, ""},
		{"bmc settings show --name sriov,delay hv01", 0, []string{"SriovGlobalEnable", "Enabled|Disabled", "integer 60..240"}, "MemoryModel"},
		{"bmc settings diff hv[01-02]", 1, []string{"hv01  SriovGlobalEnable", "Disabled → Enabled", "2  hv[01-02]: SriovGlobalEnable Disabled → Enabled", "settings of 2 machines differ"}, ""},
		{"bmc settings set hv01 SriovGlobalEnable=On Nothing=1", 2, []string{"On is none of its values: Enabled, Disabled", `no setting "Nothing"`}, ""},
		{"bmc settings set hv01", 2, []string{"NAME=VALUE"}, ""},
		{"bmc settings set --dry-run hv[01-02] AcPwrRcvryDelay=90", 0, []string{"2  hv[01-02]: AcPwrRcvryDelay 60 → 90"}, ""},
		{"bmc settings apply hv01,st02", 6, []string{"hv01  SriovGlobalEnable", "st02  failed"}, ""},
		{"bmc settings show --pending hv01", 0, []string{"→ Enabled at the next boot", "ordered settings: waits"}, "Delay"},
		{"bmc secureboot enable hv[01-02]", 0, []string{"2  hv[01-02]: Secure Boot false → true"}, ""},
		{"bmc secureboot show hv01", 0, []string{"disabled, enabled at the next boot, UserMode", "CN=Platform", "dbx  0 certificates, 77 other"}, ""},
		{"bmc secureboot keys --reset default hv01", 0, []string{"UserMode → ResetAllKeysToDefault"}, ""},
		{"bmc secureboot keys --reset some hv01", 2, []string{"delete-pk"}, ""},
		{"bmc storage show hv[01-02]", 0, []string{"drive  D1", "volume 1", "naa.6000  on D1, D2", "2  hv[01-02]: Virtual RAID: 4 drives, 1 volumes"}, ""},
		{"bmc storage erase --drive D1 hv01", 2, []string{"--serial"}, ""},
		{"bmc storage erase --serial SMC-2041-0007 hv01", 2, []string{"--drive"}, ""},
		{"bmc storage create --serial SMC-2041-0007 --drive D3,D4 hv01", 2, []string{"--raid"}, ""},
		{"bmc storage erase --serial other --drive D3 hv01", 5, []string{"it has SMC-2041-0007"}, ""},
		{"bmc storage erase --serial SMC-2041-0007 --drive D1 hv01", 5, []string{"part of volume 1"}, ""},
		{"bmc storage erase --dry-run --serial SMC-2041-0007 --drive D3,D4 hv01", 0, []string{"issued  erase the drive D3", "issued  erase the drive D4", "nothing was"}, ""},
		{"bmc storage delete --serial SMC-2041-0007 --volume 1 hv01", 1, []string{"no volume with the durable name"}, ""},
		{"bmc storage delete --serial SMC-2041-0007 --volume naa.6000 hv01", 0, []string{"done", "delete volume 1 (naa.6000) on the drives D1, D2"}, ""},
		{"bmc storage jbod --no-wait --serial SMC-2041-0007 --drive D1 hv01", 0, []string{"done", "pass through the drive D1"}, ""},
		{"bmc storage create --serial SMC-2041-0007 --raid RAID1 --drive D3,D4 hv01", 0, []string{"make a volume RAID1 on the drives D3, D4"}, ""},
		{"bmc storage orders hv01", 0, []string{"done", "delete volume 1"}, "issued"},
		{"locate hv01 hv[02-03] on", 0, []string{"hv01  on", "3  hv[01-03]: on"}, ""},
		{"locate hv01 --for 10m", 0, []string{"hv01  on"}, ""},
		{"locate hv01 off", 0, []string{"hv01  off"}, ""},
		{"locate hv01", 2, []string{"on or off"}, ""},
		{"locate on", 2, []string{"name machines"}, ""},
		{"locate hv01 off --for 1m", 2, []string{"switching on"}, ""},
		{"locate hv01 --for 1000h", 2, []string{"a week"}, ""},
		{"power nmi hv01", 0, []string{"hv01  "}, ""},
		{"power status hv[01-02]", 0, []string{"2 machines:"}, ""},
		{"bmc media list hv[01-02]", 0, []string{"hv01  CD", "empty", "2  hv[01-02]: all drives are empty"}, ""},
		{"bmc media insert hv01", 2, []string{"url"}, ""},
		{"bmc media insert hv01 --url http://198.18.0.1/a.iso", 0, []string{"CD,DVD", "http://198.18.0.1/a.iso"}, ""},
		{"bmc media list hv01,st02", 6, []string{"a.iso", "st02  failed: ", "1 of 2 machines failed: st02"}, ""},
		{"bmc media eject hv[01-02]", 0, []string{"all drives are empty"}, "a.iso"},
		{"boot show hv01", 0, []string{"hv01  the firmware's own order"}, ""},
		{"boot next hv[01-02] network", 0, []string{"hv02  network, once", "2  hv[01-02]: network, once"}, ""},
		{"boot set hv01 network --http", 0, []string{"network by HTTP boot, every time"}, ""},
		{"boot clear hv[01-02]", 0, []string{"2  hv[01-02]: the firmware's own order"}, ""},
		{"boot next hv01", 2, []string{"boot next RANGE"}, ""},
		{"boot next hv01 tape", 2, []string{"network, disk, cd, setup"}, ""},
		{"boot set hv01 disk --http", 2, []string{"for the network"}, ""},
		{"machine inspect st01 --media --address 198.18.0.50/24", 0, []string{"st01"}, ""},
		{"machine inspect st01 --address 198.18.0.50/24", 2, []string{"for --media"}, ""},
		{"machine inspect hv[01-02] --media --address 198.18.0.50/24", 2, []string{"name one"}, ""},
		{"alarms", 0, []string{"hv01", "PSU2 is critical"}, ""},
	} {
		out, err := run(t.Context(), append(strings.Fields(tc.line), flags...)...)
		if err != nil {
			out += err.Error()
		}
		if got := exitCode(err); got != tc.code {
			t.Errorf("%s: exit %d, want %d: %s", tc.line, got, tc.code, out)
		}
		for _, want := range tc.has {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", tc.line, want, out)
			}
		}
		if tc.not != "" && strings.Contains(out, tc.not) {
			t.Errorf("%s: %q in\n%s", tc.line, tc.not, out)
		}
	}
	if !slices.Contains(world.Calls(), "token:admin: light true for 10m0s at hv01") {
		t.Errorf("%q", world.Calls())
	}
	out, err := run(t.Context(), append([]string{"bmc", "sensors", "hv01,st02", "-o", "json"}, flags...)...)
	var all []outcome[[]api.Sensor]
	if jsonErr := json.Unmarshal([]byte(out), &all); err == nil || jsonErr != nil || len(all) != 2 || len(all[0].Result) != 2 || all[1].Error == "" {
		t.Errorf("%v, %v: %s", err, jsonErr, out)
	}
}

// arrivals notes when each line came.
type arrivals struct {
	bytes.Buffer
	start time.Time
	at    map[string]time.Duration
}

func (a *arrivals) Write(p []byte) (int, error) {
	name, _, _ := strings.Cut(string(p), " ")
	if _, known := a.at[name]; !known {
		a.at[name] = time.Since(a.start)
	}
	return a.Buffer.Write(p)
}

func hangs(name string) bool { return name < "n280" }

// TestResultsAsTheyCome: of 600 machines the first 280 hang, more than there are places. The others' results are shown before any of these gives up, and more
// run at once than there are places.
func TestResultsAsTheyCome(t *testing.T) {
	const hang = 8 * time.Second
	var inside, most atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), inside.Add(1)))
		defer inside.Add(-1)
		wait := 20 * time.Millisecond
		if hangs(r.URL.Path[strings.Index(r.URL.Path, "/n")+1:]) {
			wait = hang
		}
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"power":"on"}`)
	}))
	defer srv.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "admin-token"), []byte(webtest.AdminToken), 0o600); err != nil {
		t.Fatal(err)
	}
	out := &arrivals{start: time.Now(), at: map[string]time.Duration{}}
	root := &cobra.Command{Use: "socle", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(newPowerCmd())
	root.SetOut(out)
	root.SetArgs([]string{"power", "status", "n[000-599]", "--server", srv.URL, "--data-dir", dir})
	if err := root.ExecuteContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	var last time.Duration
	for name, at := range out.at {
		if strings.HasPrefix(name, "n") && !hangs(name) {
			last = max(last, at)
		}
	}
	t.Logf("the last healthy one after %v, all after %v, at most %d at once", last, time.Since(out.start), most.Load())
	if last > hang*3/4 || most.Load() <= fleetPlaces || !strings.Contains(out.String(), "600  n[000-599]: on") {
		t.Errorf("the last healthy one after %v:\n%s", last, out.String())
	}
}
