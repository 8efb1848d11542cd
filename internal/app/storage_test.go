package app

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"socle/api"
	"socle/lab/redfish"
	"socle/provision"
)

// ended waits until an order for drives is over.
func (s *shop) ended(id string) api.StorageOrder {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		all, err := s.engine.StorageOrders(s.t.Context(), "hv01")
		must(s.t, err)
		if i := slices.IndexFunc(all, func(o api.StorageOrder) bool { return o.ID == id }); i >= 0 && all[i].EndedAt != nil {
			return all[i]
		}
	}
	s.t.Fatalf("order %s is not over in a minute", id)
	return api.StorageOrder{}
}

// order gives one and waits for its end.
func (s *shop) order(r api.StorageRequest) api.StorageOrder {
	s.t.Helper()
	o, err := s.engine.OrderStorage(s.t.Context(), "token:test", "hv01", r)
	must(s.t, err)
	return s.ended(o.ID)
}

// refuses checks that a request is refused.
func (s *shop) refuses(r api.StorageRequest, status int, words string) {
	s.t.Helper()
	_, err := s.engine.OrderStorage(s.t.Context(), "token:test", "hv01", r)
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != status || !strings.Contains(p.Detail, words) {
		s.t.Errorf("%+v: %v, want %d %q", r, err, status, words)
	}
}

// TestStorage makes a volume, deletes it, passes a drive through and erases one, by controllers that take the drives in
// either place; all that does not fit is refused, and the BMC is not told.
func TestStorage(t *testing.T) {
	for _, shape := range []string{"generic", "idrac10"} {
		t.Run(shape, func(t *testing.T) {
			onBoth(t, func(t *testing.T, url string) {
				s := openShop(t, url, shape, provision.Options{Pauses: quickPauses})
				list, err := s.engine.Storage(t.Context(), "hv01")
				if err != nil || list.Serial != "SN0001" || len(list.Storage) != 1 || len(list.Storage[0].Drives) != 4 || !list.Storage[0].Drives[0].Erasable {
					t.Fatalf("%+v, %v", list, err)
				}
				pair := api.StorageRequest{Kind: "volume-create", Serial: "SN0001", RAID: "RAID1", Name: "root", Drives: []string{"SN0001-Disk0", "SN0001-Disk1"}, DryRun: true}
				if o, err := s.engine.OrderStorage(t.Context(), "token:test", "hv01", pair); err != nil || o.State != "issued" {
					t.Fatalf("dry run: %+v, %v", o, err)
				}
				begun := time.Now()
				wrong := pair
				wrong.Serial = "SN0002"
				s.refuses(wrong, http.StatusConflict, `"SN0002" was confirmed`)
				wrong = pair
				wrong.Drives = []string{"SN0001-Disk0", "SN0001-Disk9"}
				s.refuses(wrong, http.StatusConflict, `no drive with serial "SN0001-Disk9"`)
				if told := s.posts(begun); len(told) != 0 {
					t.Errorf("the BMC was told %v", told)
				}
				pair.DryRun, pair.ID = false, uuid.NewString()
				if o := s.order(pair); o.State != "done" || o.Actor != "token:test" {
					t.Fatalf("%+v", o)
				}
				again := pair
				again.Drives = []string{"SN0001-Disk2", "SN0001-Disk3"}
				s.refuses(again, http.StatusConflict, "none is carried out twice")
				s.told("ordered: make a volume RAID1 on the drives SN0001-Disk0, SN0001-Disk1")
				list, err = s.engine.Storage(t.Context(), "hv01")
				must(t, err)
				v := list.Storage[0].Volumes[0]
				if v.RAID != "RAID1" || v.Durable == "" || !slices.Equal(v.Drives, pair.Drives) {
					t.Fatalf("%+v", v)
				}
				s.refuses(api.StorageRequest{Kind: "erase", Serial: "SN0001", Drives: v.Drives[:1]}, http.StatusConflict, "part of volume 1: delete that first")
				gone := api.StorageRequest{Kind: "volume-delete", Serial: "SN0001", Volume: v.ID, Durable: "another", Drives: v.Drives}
				s.refuses(gone, http.StatusConflict, `and not "another"`)
				gone.Durable, gone.Drives = v.Durable, v.Drives[:1]
				s.refuses(gone, http.StatusConflict, "lies on the drives")
				gone.Drives = v.Drives
				if o := s.order(gone); o.State != "done" {
					t.Fatalf("%+v", o)
				}
				if o := s.order(api.StorageRequest{Kind: "erase", Serial: "SN0001", Drives: v.Drives[:1]}); o.State != "done" || s.bmc.Erased("Disk0") != 1 || s.bmc.Erased("Disk1") != 0 {
					t.Errorf("%+v, erased %d times", o, s.bmc.Erased("Disk0"))
				}
				if o := s.order(api.StorageRequest{Kind: "jbod", Serial: "SN0001", Drives: []string{"SN0001-Disk3"}}); o.State != "done" {
					t.Errorf("%+v", o)
				}
			})
		})
	}
}

// posts are what the BMC was told to change of its storage from a moment on.
func (s *shop) posts(from time.Time) (all []string) {
	for _, r := range s.bmc.Requests() {
		if r.At.After(from) && r.Method != http.MethodGet && strings.Contains(r.Path, "/Storage/") {
			all = append(all, r.Method+" "+r.Path)
		}
	}
	return all
}

// TestStorageFaults: what a controller takes and does not do is found out; what it never answers is not told twice.
func TestStorageFaults(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		pauses := quickPauses
		pauses.Tell = 200 * time.Millisecond
		s := openShop(t, url, "generic", provision.Options{Pauses: pauses})
		pair := api.StorageRequest{Kind: "volume-create", Serial: "SN0001", RAID: "RAID1", Drives: []string{"SN0001-Disk0", "SN0001-Disk1"}}
		erase := api.StorageRequest{Kind: "erase", Serial: "SN0001", Drives: []string{"SN0001-Disk2"}}
		for _, tc := range []struct {
			fault   redfish.Fault
			request api.StorageRequest
			state   string
			words   string
		}{
			{redfish.Fault{Kind: redfish.Ignore}, pair, "failed", "the BMC took it, and there is no volume"},
			{redfish.Fault{Kind: redfish.Ignore}, erase, "lost", "nothing proves the erase"},
			{redfish.Fault{Kind: redfish.FailWork}, pair, "failed", "internal to the service"},
			{redfish.Fault{Kind: redfish.FailWork}, erase, "failed", "internal to the service"},
			{redfish.Fault{Kind: redfish.Disconnect, Methods: []string{http.MethodPost}, Path: "/redfish/v1/Systems/**"}, pair, "lost", "it is not told again"},
			{redfish.Fault{Kind: redfish.Disconnect, Methods: []string{http.MethodPost}, Path: "/redfish/v1/Systems/**"}, erase, "lost", "nothing proves the erase"},
		} {
			s.bmc.Faults().Add(tc.fault)
			begun := time.Now()
			if o := s.order(tc.request); o.State != tc.state || !strings.Contains(o.Message, tc.words) {
				t.Errorf("%s, %s: %+v", tc.fault.Kind, tc.request.Kind, o)
			}
			if n := len(s.posts(begun)); n != 1 {
				t.Errorf("%s, %s: told %d times", tc.fault.Kind, tc.request.Kind, n)
			}
			s.bmc.Faults().Clear()
		}
		s.bmc.Faults().Add(redfish.Fault{Kind: redfish.Conflict})
		s.refuses(pair, http.StatusBadGateway, "409")
		s.bmc.Faults().Clear()
		s.bmc.Faults().Add(redfish.Fault{Kind: redfish.StuckWork})
		o, err := s.engine.OrderStorage(t.Context(), "token:test", "hv01", erase)
		if err != nil || o.State != "taken" || o.EndedAt != nil || s.bmc.Erased("Disk2") != 0 {
			t.Errorf("one that never ends: %+v, %v", o, err)
		}
		s.activate(nil)
		s.refuses(pair, http.StatusConflict, "hv01 is active")
		_, err = s.engine.Hold(t.Context(), "test", "hv01", "somebody works at it")
		must(t, err)
		s.refuses(pair, http.StatusConflict, "somebody works at it")
	})
}
