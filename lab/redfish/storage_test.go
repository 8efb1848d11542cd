package redfish_test

import (
	"testing"
	"time"

	gofishredfish "github.com/stmcginnis/gofish/redfish"
)

func TestGofishStorage(t *testing.T) {
	b := start(t, true)
	st := must[[]*gofishredfish.Storage](t)(b.gofishSystem().Storage())[0]
	drives := byID(must[[]*gofishredfish.Drive](t)(st.Drives()), func(d *gofishredfish.Drive) string { return d.ID })
	if len(drives) != 4 || drives[0].SerialNumber != "SN-1-Disk0" || drives[0].CapacityBytes != 480103981056 {
		t.Errorf("%d drives, %s, %d bytes", len(drives), drives[0].SerialNumber, drives[0].CapacityBytes)
	}
	volumes := system + "/Storage/RAID1/Volumes"
	pair := `"Links":{"Drives":[{"@odata.id":"` + drives[0].ODataID + `"},{"@odata.id":"` + drives[1].ODataID + `"}]}`
	b.want(400, "PropertyMissing", "POST", volumes, `{`+pair+`}`)
	b.want(400, "PropertyValueConflict", "POST", volumes, `{"RAIDType":"RAID5",`+pair+`}`)
	b.want(400, "PropertyValueNotInList", "POST", volumes, `{"RAIDType":"RAID7",`+pair+`}`)
	b.want(400, "PropertyValueOutOfRange", "POST", volumes, `{"RAIDType":"RAID1","CapacityBytes":480103981057,`+pair+`}`)
	b.want(202, "", "POST", volumes, `{"Name":"root","RAIDType":"RAID1",`+pair+`}`)
	b.want(409, "ResourceInUse", "POST", volumes, `{"RAIDType":"RAID1",`+pair+`}`)
	v := must[[]*gofishredfish.Volume](t)(st.Volumes())
	if len(v) != 1 || v[0].RAIDType != "RAID1" || v[0].CapacityBytes != 480103981056 || v[0].Status.State != "Updating" {
		t.Errorf("%+v", v)
	}
	b.pass(time.Minute)
	if v := must[[]*gofishredfish.Volume](t)(st.Volumes()); v[0].Status.State != "Enabled" || v[0].Name != "root" {
		t.Errorf("%+v", v[0].Status)
	}
	if err := drives[0].SecureErase(); err == nil {
		t.Error("a drive of a volume was erased")
	}
	b.want(204, "", "DELETE", volumes+"/1", "")
	check(t, drives[0].SecureErase())
	if n := b.bmc.Erased("Disk0"); n != 0 {
		t.Error("erased before its time")
	}
	b.pass(time.Minute)
	if n := b.bmc.Erased("Disk0"); n != 1 {
		t.Errorf("erased %d times", n)
	}
}
