package redfish

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// storage is what clients made of the drives.
type storage struct {
	last    int
	volumes []*volume
	erased  map[string]int // how often, by drive
}

type volume struct {
	id, name, raid string
	bytes          int64
	drives         []string
	ready          bool
}

// controllerID is that of the one storage controller.
const controllerID = "RAID1"

func (b *BMC) storagePath() string { return b.system() + "/Storage/" + controllerID }

func storageRoutes() map[string]route {
	const at = root + "/Systems/{system}/Storage"
	const one = at + "/" + controllerID
	return map[string]route{
		at: {get: func(b *BMC, _ *call) (object, error) {
			return collection(b.system()+"/Storage", "StorageCollection", "Storage", b.storagePath()), nil
		}},
		one:                 {get: getStorage},
		one + "/Drives/{}":  {get: getDrive, patch: patchDrive},
		one + "/Volumes":    {get: getVolumes, post: createVolume},
		one + "/Volumes/{}": {get: getVolume, delete: deleteVolume},
		one + "/Drives/{}/Actions/Drive.SecureErase": {post: eraseDrive},
	}
}

func (b *BMC) drivePaths(ids []string) []any {
	return links(below(b.storagePath()+"/Drives", ids...)...)
}

func getStorage(b *BMC, _ *call) (object, error) {
	path := b.storagePath()
	var ids []string
	for _, d := range b.shape.Hardware.Drives {
		ids = append(ids, d.ID)
	}
	return resource(path, "Storage.v1_12_0", controllerID, "RAID controller").with(object{
		"Status": healthy(), "Drives": b.drivePaths(ids), "Drives@odata.count": len(ids), "Volumes": link(path + "/Volumes"),
		"StorageControllers": []any{object{
			"@odata.id": path + "#/StorageControllers/0", "MemberId": "0", "Name": "RAID controller", "Manufacturer": "Socle", "Model": "Virtual RAID",
			"FirmwareVersion": "1.0", "SupportedDeviceProtocols": []string{"SATA", "SAS"}, "SupportedRAIDTypes": raidTypes(), "Status": healthy(),
		}},
	}), nil
}

func (b *BMC) drive(c *call) (Drive, error) {
	if i := slices.IndexFunc(b.shape.Hardware.Drives, func(d Drive) bool { return d.ID == c.ids[0] }); i >= 0 {
		return b.shape.Hardware.Drives[i], nil
	}
	return Drive{}, notFound(c.URL.Path)
}

func getDrive(b *BMC, c *call) (object, error) {
	d, err := b.drive(c)
	if err != nil {
		return nil, err
	}
	path := b.storagePath() + "/Drives/" + d.ID
	var volumes []string
	for _, v := range b.storage.volumes {
		if slices.Contains(v.drives, d.ID) {
			volumes = append(volumes, b.storagePath()+"/Volumes/"+v.id)
		}
	}
	return resource(path, "Drive.v1_15_0", d.ID, d.ID).with(object{
		"Manufacturer": "Socle", "Model": d.Model, "SerialNumber": b.vm.Describe().Serial + "-" + d.ID, "MediaType": d.Media, "Protocol": d.Protocol,
		"CapacityBytes": d.Bytes, "Revision": "1.0", "FailurePredicted": b.health[d.ID] != "", "Status": b.statusOf(d.ID),
		"Links":   object{"Volumes": links(volumes...)},
		"Actions": object{"#Drive.SecureErase": object{"target": path + "/Actions/Drive.SecureErase"}},
	}), nil
}

func patchDrive(b *BMC, c *call) error {
	if _, err := b.drive(c); err != nil {
		return err
	}
	var body struct{ LocationIndicatorActive *bool }
	return c.decode(&body) // drives of this controller have no light; the schema lets it be ignored
}

func raidTypes() []string { return []string{"None", "RAID0", "RAID1", "RAID5", "RAID6", "RAID10"} }

// volumeBytes is the size of a volume over so many drives, or 0 when there are too few.
func volumeBytes(raid string, n int, each int64) int64 {
	switch {
	case raid == "None" && n == 1:
		return each
	case raid == "RAID0" && n >= 1:
		return each * int64(n)
	case raid == "RAID1" && n == 2:
		return each
	case raid == "RAID5" && n >= 3:
		return each * int64(n-1)
	case raid == "RAID6" && n >= 4:
		return each * int64(n-2)
	case raid == "RAID10" && n >= 4 && n%2 == 0:
		return each * int64(n/2)
	}
	return 0
}

func getVolumes(b *BMC, _ *call) (object, error) {
	path := b.storagePath() + "/Volumes"
	var ids []string
	for _, v := range b.storage.volumes {
		ids = append(ids, v.id)
	}
	return collection(path, "VolumeCollection", "Volumes", below(path, ids...)...), nil
}

func (b *BMC) volume(c *call) (*volume, error) {
	if i := slices.IndexFunc(b.storage.volumes, func(v *volume) bool { return v.id == c.ids[0] }); i >= 0 {
		return b.storage.volumes[i], nil
	}
	return nil, notFound(c.URL.Path)
}

func getVolume(b *BMC, c *call) (object, error) {
	v, err := b.volume(c)
	if err != nil {
		return nil, err
	}
	status := healthy()
	if !v.ready {
		status["State"] = "Updating"
	}
	return resource(b.storagePath()+"/Volumes/"+v.id, "Volume.v1_6_2", v.id, v.name).with(object{
		"RAIDType": v.raid, "CapacityBytes": v.bytes, "Status": status,
		"Identifiers": []any{object{"DurableName": b.durable(v.id), "DurableNameFormat": "UUID"}}, "Links": object{"Drives": b.drivePaths(v.drives)},
	}), nil
}

func createVolume(b *BMC, c *call) (*reply, error) {
	var body struct {
		Name, RAIDType string
		CapacityBytes  int64
		Drives         []ref
		Links          struct{ Drives []ref }
		VolumeType     string
		Apply          string `json:"@Redfish.OperationApplyTime"`
	}
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	if body.RAIDType == "" {
		return nil, missing("RAIDType")
	}
	if !slices.Contains(raidTypes(), body.RAIDType) {
		return nil, valueNotInList("RAIDType", body.RAIDType)
	}
	if b.shape.Quirks.DrivesAtTop && len(body.Links.Drives) > 0 {
		return nil, problemf(http.StatusBadRequest, "PropertyUnknown", "The property Links is not in the list of valid properties for the resource.").about("#/Links")
	}
	var ids []string
	var each int64
	for _, r := range append(body.Drives, body.Links.Drives...) {
		id, ok := strings.CutPrefix(string(r), b.storagePath()+"/Drives/")
		i := slices.IndexFunc(b.shape.Hardware.Drives, func(d Drive) bool { return d.ID == id })
		if !ok || i < 0 || slices.Contains(ids, id) {
			return nil, valueNotInList("Links/Drives", string(r))
		}
		if b.taken(id) {
			return nil, problemf(http.StatusConflict, "ResourceInUse", "The drive %s is part of a volume.", id)
		}
		if n := b.shape.Hardware.Drives[i].Bytes; each == 0 || n < each {
			each = n
		}
		ids = append(ids, id)
	}
	most := volumeBytes(body.RAIDType, len(ids), each)
	switch {
	case most == 0:
		return nil, problemf(http.StatusBadRequest, "PropertyValueConflict", "The property 'RAIDType' could not be written because its value would conflict with the value of the 'Links/Drives' property: %s does not go with %d drives.", body.RAIDType, len(ids)).about("#/RAIDType")
	case body.CapacityBytes == 0:
		body.CapacityBytes = most
	case body.CapacityBytes < 0 || body.CapacityBytes > most:
		return nil, problemf(http.StatusBadRequest, "PropertyValueOutOfRange", "The value %d for the property CapacityBytes is not in the supported range of acceptable values.", body.CapacityBytes).about("#/CapacityBytes")
	}
	b.storage.last++
	v := &volume{id: strconv.Itoa(b.storage.last), name: body.Name, raid: body.RAIDType, bytes: body.CapacityBytes, drives: ids}
	if v.name == "" {
		v.name = "Volume " + v.id
	}
	b.storage.volumes = append(b.storage.volumes, v)
	w := b.order(c, "Create volume "+v.id, func() error { v.ready = true; return nil })
	if w.failed != nil { // it is gone with its task
		b.storage.volumes = slices.DeleteFunc(b.storage.volumes, func(x *volume) bool { return x == v })
	}
	return b.accept(w), nil
}

// durable is a volume's name for ever: a number is given once.
func (b *BMC) durable(id string) string {
	sum := sha256.Sum256([]byte(b.vm.Describe().Serial + "/" + id))
	u := hex.EncodeToString(sum[:16])
	return u[:8] + "-" + u[8:12] + "-" + u[12:16] + "-" + u[16:20] + "-" + u[20:]
}

func (b *BMC) taken(drive string) bool {
	return slices.ContainsFunc(b.storage.volumes, func(v *volume) bool { return slices.Contains(v.drives, drive) })
}

func deleteVolume(b *BMC, c *call) error {
	v, err := b.volume(c)
	if err != nil {
		return err
	}
	b.storage.volumes = slices.DeleteFunc(b.storage.volumes, func(x *volume) bool { return x == v })
	return nil
}

func eraseDrive(b *BMC, c *call) (*reply, error) {
	d, err := b.drive(c)
	if err != nil {
		return nil, err
	}
	if b.taken(d.ID) {
		return nil, problemf(http.StatusConflict, "ResourceInUse", "The drive %s is part of a volume.", d.ID)
	}
	w := b.order(c, fmt.Sprintf("Erase drive %s", d.ID), func() error {
		if b.storage.erased == nil {
			b.storage.erased = map[string]int{}
		}
		b.storage.erased[d.ID]++
		return nil
	})
	return b.accept(w), nil
}

// Erased counts how often a drive was erased to the end.
func (b *BMC) Erased(drive string) int {
	n := 0
	b.locked(func() { n = b.storage.erased[drive] })
	return n
}
