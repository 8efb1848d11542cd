package redfish_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gofishredfish "github.com/stmcginnis/gofish/redfish"

	"socle/lab/redfish"
)

// files is the web server that the controller fetches from.
func files(t *testing.T, content map[string][]byte) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if text, ok := content[r.URL.Path]; ok {
			_, _ = w.Write(text)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// fetched waits until the controller has ended its download: the task moves then.
func (b *bench) fetched(task string) {
	b.t.Helper()
	end := time.Now().Add(10 * time.Second)
	for b.pass(time.Minute); b.do("GET", task, "").at("EndTime") == nil; b.pass(time.Minute) {
		if time.Now().After(end) {
			b.t.Fatal("the task does not end")
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestFirmwareUpdate(t *testing.T) {
	b := start(t, true)
	from := files(t, map[string][]byte{
		"/bios": redfish.FirmwareImage(redfish.FirmwareBIOS, "2.17.1"), "/bmc": redfish.FirmwareImage(redfish.FirmwareBMC, "7.00.00"),
		"/nic": redfish.FirmwareImage("NIC1", "23.0.0"), "/junk": []byte("MZ"), "/other": redfish.FirmwareImage("Toaster", "1"),
	})
	order := func(file string) string {
		t.Helper()
		a := b.want(202, "", "POST", "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate", `{"ImageURI":"`+from+file+`"}`)
		return a.at("@odata.id").(string)
	}
	task := order("/bios")
	b.want(503, "ServiceTemporarilyUnavailable", "POST", "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate", `{"ImageURI":"`+from+`/nic"}`)
	b.want(202, "", "GET", "/redfish/v1/TaskService/TaskMonitors/1", "")
	b.fetched(task)
	b.want(200, "", "GET", "/redfish/v1/TaskService/TaskMonitors/1", "")
	if got := b.bmc.FirmwareVersion(redfish.FirmwareBIOS); got != "1.0.0" {
		t.Errorf("before the boot: BIOS %s", got)
	}
	b.reset(t, redfish.On)
	if a := b.want(200, "", "GET", system, ""); a.at("BiosVersion") != "UEFI 2.17.1" {
		t.Errorf("after the boot: %v", a.at("BiosVersion"))
	}
	b.fetched(order("/nic"))
	if got := b.bmc.FirmwareVersion("NIC1"); got != "23.0.0" {
		t.Errorf("NIC1 %s", got)
	}
	for _, file := range []string{"/junk", "/other", "/nothing"} {
		task := order(file)
		b.fetched(task)
		if a := b.want(200, "", "GET", task, ""); a.at("TaskState") != "Exception" || a.at("TaskStatus") != "Critical" {
			t.Errorf("%s: %v", file, a.body)
		}
	}
	inventory := must[[]*gofishredfish.SoftwareInventory](t)(must[*gofishredfish.UpdateService](t)(b.gofish().UpdateService()).FirmwareInventories())
	versions := map[string]string{}
	for _, f := range inventory {
		versions[f.ID] = f.Version
	}
	if diff := cmp.Diff(map[string]string{"BMC": "1.0.0", "BIOS": "2.17.1", "NIC1": "23.0.0"}, versions); diff != "" {
		t.Error(diff)
	}
}

// TestBMCUpdate: the controller restarts into its new firmware, and its clients lose their sessions.
func TestBMCUpdate(t *testing.T) {
	b := start(t, true, func(o *redfish.Options) {
		o.Now, o.WorkTime, o.RestartTime = time.Now, 50*time.Millisecond, 100*time.Millisecond
	})
	from := files(t, map[string][]byte{"/bmc": redfish.FirmwareImage(redfish.FirmwareBMC, "7.00.00")})
	svc := must[*gofishredfish.UpdateService](t)(b.gofish().UpdateService())
	check(t, svc.SimpleUpdate(&gofishredfish.SimpleUpdateParameters{ImageURI: from + "/bmc"}))
	for end := time.Now().Add(10 * time.Second); b.bmc.FirmwareVersion(redfish.FirmwareBMC) != "7.00.00"; {
		if time.Now().After(end) {
			t.Fatal("no update")
		}
		<-time.After(10 * time.Millisecond)
	}
	b.silent(t, system)
	if n := b.bmc.Sessions(); n != 0 {
		t.Errorf("%d sessions outlived the restart", n)
	}
}

func TestWorkFaults(t *testing.T) {
	b := start(t, true)
	erase := system + "/Storage/RAID1/Drives/Disk0/Actions/Drive.SecureErase"
	b.faults.Add(redfish.Fault{Kind: redfish.FailWork, Times: 1})
	task := b.want(202, "", "POST", erase, "").at("@odata.id").(string)
	b.pass(time.Hour)
	if a := b.want(200, "", "GET", task, ""); a.at("TaskState") != "Exception" || b.bmc.Erased("Disk0") != 0 {
		t.Error(a.body)
	}
	b.faults.Add(redfish.Fault{Kind: redfish.StuckWork, Times: 1})
	task = b.want(202, "", "POST", erase, "").at("@odata.id").(string)
	b.pass(24 * time.Hour)
	if a := b.want(202, "", "GET", task, ""); a.at("TaskState") != "Running" || a.at("PercentComplete") != 42.0 {
		t.Error(a.body)
	}
}
