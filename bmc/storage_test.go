package bmc_test

import (
	"slices"
	"testing"
	"time"

	"socle/bmc"
	"socle/inventory"
	"socle/lab/redfish"
)

// TestStorageShapes makes, reads back, deletes and erases by the controllers of each vendor, and is refused what is not
// as named.
func TestStorageShapes(t *testing.T) {
	for _, name := range redfish.Shapes() {
		t.Run(name, func(t *testing.T) {
			e, _, target := shaped(t, name)
			d := bmc.New(patient)
			store := func(task inventory.StorageTask) bmc.Stored {
				t.Helper()
				task.Serial = "SN-1"
				job, err := d.Store(t.Context(), target, task)
				if err != nil {
					t.Fatal(err)
				}
				for range 200 {
					s, err := d.StoreOutcome(t.Context(), target, job)
					if err != nil {
						t.Fatal(err)
					}
					if s.Over {
						return s
					}
					time.Sleep(50 * time.Millisecond)
				}
				t.Fatal("it never ends")
				return bmc.Stored{}
			}
			all, err := d.Storage(t.Context(), target)
			if err != nil || len(all) != 1 || len(all[0].Drives) != 4 || all[0].Drives[2].Serial != "SN-1-Disk2" || all[0].Drives[2].Bytes != 1_200_243_695_616 ||
				all[0].Drives[2].Health != inventory.HealthOK || !slices.Contains(all[0].RAID, "RAID1") {
				t.Fatalf("%+v, %v", all, err)
			}
			pair := inventory.StorageTask{Kind: inventory.VolumeCreate, RAID: "RAID1", Name: "root", Drives: []string{"SN-1-Disk3", "SN-1-Disk2"}}
			s := store(pair)
			if s.Failed != "" || pair.Seen(s.Storage) != nil || len(s.Storage[0].Volumes) != 1 || !s.Storage[0].Volumes[0].Ready || s.Storage[0].Volumes[0].Name != "root" {
				t.Fatalf("%+v", s)
			}
			v := s.Storage[0].Volumes[0]
			erase := inventory.StorageTask{Kind: inventory.DriveErase, Serial: "SN-1", Drives: []string{"SN-1-Disk2"}}
			_, err = d.Store(t.Context(), target, erase)
			mustBe(t, err, inventory.ErrTarget, "is part of volume")
			erase.Serial = "SN-2"
			_, err = d.Store(t.Context(), target, erase)
			mustBe(t, err, inventory.ErrTarget, `has serial "SN-1" and not "SN-2"`)
			gone := inventory.StorageTask{Kind: inventory.VolumeDelete, Volume: v.ID, Durable: v.Durable, Drives: pair.Drives}
			if s := store(gone); s.Failed != "" || gone.Seen(s.Storage) != nil || len(s.Storage[0].Volumes) != 0 {
				t.Errorf("%+v", s)
			}
			if s := store(erase); s.Failed != "" || e.Erased("Disk2") != 1 {
				t.Errorf("%+v, erased %d times", s, e.Erased("Disk2"))
			}
			e.Faults().Add(redfish.Fault{Kind: redfish.FailWork})
			if s := store(erase); s.Failed == "" || e.Erased("Disk2") != 1 {
				t.Errorf("a task that fails: %+v", s)
			}
		})
	}
}
