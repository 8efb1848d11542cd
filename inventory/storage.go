package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Storage is one storage controller of a server, as its BMC shows it.
type Storage struct {
	ID      string
	Name    string
	Model   string
	RAID    []string // the kinds of volumes that it can make, in Redfish's words: RAID1, RAID5, None …; empty: it does not say
	Drives  []Drive
	Volumes []Volume
}

// Drive is one drive behind it.
type Drive struct {
	ID       string
	Serial   string // empty: the BMC does not say, and nothing destructive can be ordered
	Model    string
	Media    string // SSD, HDD
	Protocol string // SATA, SAS, NVMe
	Bytes    int64
	Health   Health
	Volumes  []string // IDs
	Erasable bool     // the BMC can erase it
}

// Volume is one volume over some drives.
type Volume struct {
	ID    string
	Name  string
	RAID  string
	Bytes int64
	// Durable is a name of its own for ever, such as an NAA; empty: the BMC does not say, and its drives tell it apart.
	Durable string
	Drives  []string // serials, sorted
	Ready   bool     // it is not being made or rebuilt
}

// StorageKind is what a storage order does.
type StorageKind string

// The kinds. All destroy what is on the drives that they name.
const (
	VolumeCreate StorageKind = "volume-create"
	VolumeDelete StorageKind = "volume-delete"
	DriveJBOD    StorageKind = "jbod" // each drive is shown to the system as it is
	DriveErase   StorageKind = "erase"
)

// StorageTask is what is to be done, bound by names that no other drive or volume has.
type StorageTask struct {
	Kind    StorageKind `json:"kind"`
	Serial  string      `json:"serial"`            // the machine's
	Drives  []string    `json:"drives,omitempty"`  // serials; of a volume to be deleted: all that it lies on
	Volume  string      `json:"volume,omitempty"`  // ID, of the one to be deleted
	Durable string      `json:"durable,omitempty"` // its durable name, if it has one
	RAID    string      `json:"raid,omitempty"`    // of the one to be made
	Name    string      `json:"name,omitempty"`    // of the one to be made
	Bytes   int64       `json:"bytes,omitempty"`   // of the one to be made; 0: all that there is
}

// ErrTarget says that drives or volumes are not those that an order names.
var ErrTarget = errors.New("that is not what the order names")

// ErrUsed says that an order's ID was used before.
var ErrUsed = errors.New("an order with that ID was given before")

// Find looks for what the task names in what a BMC shows at this moment. Whatever is not as the task says is an error of
// ErrTarget: a drive that was changed, a volume that lies on other drives, a drive in use.
func (t StorageTask) Find(all []Storage) (Storage, []Drive, error) {
	no := func(format string, args ...any) (Storage, []Drive, error) {
		return Storage{}, nil, fmt.Errorf("%w: %s", ErrTarget, fmt.Sprintf(format, args...))
	}
	var at Storage
	var drives []Drive
	if len(t.Drives) == 0 {
		return no("it names no drives")
	}
	for _, serial := range t.Drives {
		found := 0
		for _, s := range all {
			for _, d := range s.Drives {
				if serial == "" || d.Serial != serial {
					continue
				}
				if found++; len(drives) > 0 && s.ID != at.ID {
					return no("the drives %s and %s are behind different controllers", drives[0].Serial, serial)
				}
				at, drives = s, append(drives, d)
			}
		}
		switch {
		case found == 0:
			return no("there is no drive with serial %q", serial)
		case found > 1:
			return no("%d drives, or one named twice, have serial %q", found, serial)
		}
	}
	if t.Kind == VolumeDelete {
		return at, drives, t.sameVolume(at)
	}
	for _, d := range drives {
		switch {
		case len(d.Volumes) > 0:
			return no("drive %s is part of volume %s: delete that first", d.Serial, strings.Join(d.Volumes, ", "))
		case t.Kind == DriveErase && !d.Erasable:
			return no("the BMC offers no erase of drive %s", d.Serial)
		}
	}
	return at, drives, nil
}

// sameVolume compares the volume to be deleted with the one that is there.
func (t StorageTask) sameVolume(at Storage) error {
	i := slices.IndexFunc(at.Volumes, func(v Volume) bool { return v.ID == t.Volume })
	if i < 0 {
		return fmt.Errorf("%w: there is no volume %q behind %s", ErrTarget, t.Volume, at.ID)
	}
	v, named := at.Volumes[i], slices.Sorted(slices.Values(t.Drives))
	switch {
	case v.Durable != t.Durable:
		return fmt.Errorf("%w: volume %s is %q and not %q", ErrTarget, v.ID, v.Durable, t.Durable)
	case !slices.Equal(v.Drives, named):
		return fmt.Errorf("%w: volume %s lies on the drives %s and not on %s", ErrTarget, v.ID, strings.Join(v.Drives, ", "), strings.Join(named, ", "))
	}
	return nil
}

// Seen looks whether what a BMC shows afterwards is what the task was to bring about, as far as that can be seen: what is
// on an erased drive cannot.
func (t StorageTask) Seen(all []Storage) error {
	named := slices.Sorted(slices.Values(t.Drives))
	drives, volumes := 0, []Volume{}
	for _, s := range all {
		for _, d := range s.Drives {
			if slices.Contains(named, d.Serial) {
				drives++
			}
		}
		for _, v := range s.Volumes {
			if slices.Equal(v.Drives, named) {
				volumes = append(volumes, v)
			}
		}
	}
	kind := t.RAID
	if t.Kind == DriveJBOD {
		kind = JBOD
	}
	switch t.Kind {
	case VolumeCreate, DriveJBOD:
		if !slices.ContainsFunc(volumes, func(v Volume) bool { return v.RAID == kind }) {
			return fmt.Errorf("there is no volume of kind %s on %s", kind, strings.Join(named, ", "))
		}
	case VolumeDelete:
		if slices.ContainsFunc(volumes, func(v Volume) bool { return v.ID == t.Volume && v.Durable == t.Durable }) {
			return fmt.Errorf("volume %s is still there", t.Volume)
		}
	}
	if drives != len(named) {
		return fmt.Errorf("of the drives %s only %d are there", strings.Join(named, ", "), drives)
	}
	return nil
}

// String says it in words.
func (t StorageTask) String() string {
	drives := strings.Join(t.Drives, ", ")
	switch t.Kind {
	case VolumeCreate:
		return fmt.Sprintf("make a volume %s on the drives %s", t.RAID, drives)
	case VolumeDelete:
		return fmt.Sprintf("delete volume %s (%s) on the drives %s", t.Volume, t.Durable, drives)
	case DriveJBOD:
		return "pass through the drive " + drives
	case DriveErase:
		return "erase the drive " + drives
	}
	return string(t.Kind)
}

// JBOD is the kind of volume that is one drive as it is, in Redfish's words.
const JBOD = "None"

// BMCOrder is a destructive order to a machine's BMC. Each is carried out once: Taken is written down before the BMC is
// told, and one whose outcome nobody knows is looked at and never told again.
type BMCOrder struct {
	ID       string // UUID, chosen by who orders it
	Machine  string // machine ID
	Name     string // the machine's, where it is known
	Task     StorageTask
	Actor    string
	State    OrderState
	Job      string // the BMC's own for it; empty: none, or not known yet
	Message  string // in plain words
	IssuedAt time.Time
	EndedAt  time.Time
}
