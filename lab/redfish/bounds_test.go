package redfish_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSessionsOfOthers: sessions end with their account, and only administrators end those of others.
func TestSessionsOfOthers(t *testing.T) {
	b := start(t, true)
	b.want(201, "", "POST", accounts, `{"UserName":"op","Password":"long-enough","RoleId":"Operator"}`)
	admin := b.want(201, "", "POST", sessions, `{"UserName":"admin","Password":"pw"}`, "Anonymous", "1")
	op := func() (token, at string) {
		a := b.want(201, "", "POST", sessions, `{"UserName":"op","Password":"long-enough"}`, "Anonymous", "1")
		return a.header.Get("X-Auth-Token"), a.header.Get("Location")
	}
	token, at := op()
	b.want(403, "InsufficientPrivilege", "DELETE", admin.header.Get("Location"), "", "X-Auth-Token", token)
	b.want(204, "", "DELETE", at, "", "X-Auth-Token", admin.header.Get("X-Auth-Token"))
	b.expect(t, 401, "GET", system, token)

	token, _ = op()
	b.want(200, "", "PATCH", accounts+"/2", `{"Enabled":false}`)
	b.expect(t, 401, "GET", system, token)
	b.want(200, "", "PATCH", accounts+"/2", `{"Enabled":true}`)
	token, _ = op()
	b.want(204, "", "DELETE", accounts+"/2", "")
	b.expect(t, 401, "GET", system, token)
}

// TestBounds: what a client can make the controller remember is bounded, and the oldest go first.
func TestBounds(t *testing.T) {
	b := start(t, true)
	for n := range 300 {
		b.bmc.AddLog("Warning", "entry "+strconv.Itoa(n))
	}
	if log := b.bmc.Log(); len(log) != 256 || log[0].Text != "entry 44" || log[255].Text != "entry 299" {
		t.Errorf("%d entries, the first %v", len(log), log[0])
	}
	for range 70 {
		b.want(202, "", "POST", system+"/Storage/RAID1/Drives/Disk0/Actions/Drive.SecureErase", "")
	}
	if a := b.want(200, "", "GET", "/redfish/v1/TaskService/Tasks", ""); a.at("Members@odata.count") != 64.0 {
		t.Errorf("%v tasks", a.at("Members@odata.count"))
	}
	b.want(404, "ResourceMissingAtURI", "GET", "/redfish/v1/TaskService/Tasks/6", "")
}

// TestJobBlocks: what waits for a boot refuses further changes, until its job is deleted.
func TestJobBlocks(t *testing.T) {
	b := start(t, true, shaped(t, "idrac9"))
	const queue = "/redfish/v1/Managers/iDRAC.Embedded.1/Jobs"
	b.want(200, "", "PATCH", idrac, `{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Cd","BootSourceOverrideMode":"UEFI"}}`)
	b.want(400, "SYS011", "PATCH", idrac, pxeOnce)
	if a := b.want(200, "", "GET", queue+"/1", ""); a.at("JobType") != "BIOSConfiguration" || a.at("JobState") != "Scheduled" {
		t.Error(a.body)
	}
	b.want(204, "", "DELETE", queue+"/1", "")
	if a := b.want(200, "", "GET", queue, ""); a.at("Members@odata.count") != 0.0 {
		t.Error(a.body)
	}
	b.want(200, "", "PATCH", idrac, pxeOnce)
	b.want(204, "", "POST", idrac+"/Actions/ComputerSystem.Reset", `{"ResetType":"On"}`)
	if diff := cmp.Diff([]string{"Pxe"}, b.vm.Booted()); diff != "" {
		t.Error(diff)
	}
	start(t, true).want(404, "ResourceMissingAtURI", "GET", "/redfish/v1/Managers/1/Jobs", "")
}

// TestDelivery: an event is tried three times and none is forgotten over another; a receiver that never takes one is
// suspended.
func TestDelivery(t *testing.T) {
	b := start(t, true)
	var asked atomic.Int32
	got := make(chan bool, 8)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/never" || asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		got <- true
	}))
	defer srv.Close()
	const subscriptions = "/redfish/v1/EventService/Subscriptions"
	b.want(201, "", "POST", subscriptions, `{"Destination":"`+srv.URL+`/third","Protocol":"Redfish"}`)
	never := b.want(201, "", "POST", subscriptions, `{"Destination":"`+srv.URL+`/never","Protocol":"Redfish"}`).header.Get("Location")
	for range 3 {
		b.bmc.AddLog("Warning", "x")
	}
	for n := range 3 {
		select {
		case <-got:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of 3 events came", n)
		}
	}
	if n := asked.Load(); n != 5 {
		t.Errorf("asked %d times for 3 events, of which one came at the third try", n)
	}
	for end := time.Now().Add(20 * time.Second); b.do("GET", never, "").at("Status/State") != "Disabled"; <-time.After(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a receiver that never takes an event is not suspended")
		}
	}
}
