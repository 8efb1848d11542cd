package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"socle/hardware"
)

// Role is what a machine can become: which hardware fits it, what is written to its disks, and how it is
// verified. Roles are data: they come from the configuration.
type Role struct {
	Name string `yaml:"name" json:"name"`
	// Match are conditions that must all hold; a role without any fits nothing.
	Match Conditions `yaml:"match" json:"match"`
	// Image is the name or the digest of the image for the system disk.
	Image string `yaml:"image" json:"image"`
	// Priority decides between two roles that both fit; the higher wins, equal ones are an error.
	Priority int `yaml:"priority" json:"priority"`
	// SystemDisk chooses the disk for the image; the smallest that fits is taken.
	SystemDisk DiskRule `yaml:"system_disk" json:"system_disk"`
	// DataDisks chooses the disks for data among the others; nil for none.
	DataDisks *DiskRule `yaml:"data_disks,omitempty" json:"data_disks,omitempty"`
	// PowerDrift is what is done when the power of a machine in this role is not as wanted; empty: as power.drift says.
	PowerDrift PowerPolicy `yaml:"power_drift,omitempty" json:"power_drift,omitempty"`
	// Bios are the settings that it wants of the firmware; they are applied when a person says so.
	Bios []BiosSet `yaml:"bios,omitempty" json:"bios,omitempty"`
	// Verify names the check from outside: "libvirt", "swift" or "none".
	Verify string `yaml:"verify" json:"verify"`
}

// Conditions are what a role asks of the facts of a machine; a zero value asks nothing.
type Conditions struct {
	MinDisks       int    `yaml:"min_disks,omitempty" json:"min_disks,omitempty"`
	MaxDisks       int    `yaml:"max_disks,omitempty" json:"max_disks,omitempty"`
	MinMemoryBytes uint64 `yaml:"min_memory_bytes,omitempty" json:"min_memory_bytes,omitempty"`
	MinCores       int    `yaml:"min_cores,omitempty" json:"min_cores,omitempty"`
	Product        string `yaml:"product,omitempty" json:"product,omitempty"` // start of the product's name
}

// DiskRule says which disks will do; a zero value asks nothing.
type DiskRule struct {
	MinBytes   uint64 `yaml:"min_bytes,omitempty" json:"min_bytes,omitempty"`
	MaxBytes   uint64 `yaml:"max_bytes,omitempty" json:"max_bytes,omitempty"`
	Rotational *bool  `yaml:"rotational,omitempty" json:"rotational,omitempty"`
	Transport  string `yaml:"transport,omitempty" json:"transport,omitempty"`
	MinCount   int    `yaml:"min_count,omitempty" json:"min_count,omitempty"`
	// Label is, for data disks, what the file systems' labels start with; a number follows.
	Label string `yaml:"label,omitempty" json:"label,omitempty"`
}

// Errors of matching; their texts name what was looked for and what was there.
var (
	ErrNoRole = errors.New("no role fits")
	ErrNoDisk = errors.New("no disk fits")
)

// Classify finds the one role whose conditions the facts meet. The reasons say for every role why it fits
// or does not, in words.
func Classify(roles []Role, f hardware.Facts) (role Role, reasons []string, err error) {
	var fits []Role
	for _, r := range roles {
		if why := r.Match.unmet(f); len(why) > 0 {
			reasons = append(reasons, fmt.Sprintf("%s: no, %s", r.Name, strings.Join(why, ", ")))
			continue
		}
		reasons = append(reasons, fmt.Sprintf("%s: yes, priority %d", r.Name, r.Priority))
		fits = append(fits, r)
	}
	if len(fits) == 0 {
		return Role{}, reasons, fmt.Errorf("%w: %s", ErrNoRole, strings.Join(reasons, "; "))
	}
	slices.SortStableFunc(fits, func(a, b Role) int { return b.Priority - a.Priority })
	if len(fits) > 1 && fits[0].Priority == fits[1].Priority {
		return Role{}, reasons, fmt.Errorf("%w: %s and %s fit with equal priority %d: give one a higher priority",
			ErrNoRole, fits[0].Name, fits[1].Name, fits[0].Priority)
	}
	return fits[0], reasons, nil
}

// unmet lists the conditions that do not hold, with what was asked and what is there.
func (c Conditions) unmet(f hardware.Facts) (why []string) {
	if c == (Conditions{}) {
		return []string{"it has no conditions"}
	}
	cores := 0
	for _, cpu := range f.CPUs {
		cores += cpu.Cores
	}
	disks := len(usable(f.Disks))
	no := func(bad bool, format string, args ...any) {
		if bad {
			why = append(why, fmt.Sprintf(format, args...))
		}
	}
	no(disks < c.MinDisks, "%s of at least %d", Plural(disks, "disk"), c.MinDisks)
	no(c.MaxDisks > 0 && disks > c.MaxDisks, "%s of at most %d", Plural(disks, "disk"), c.MaxDisks)
	no(f.Memory.TotalBytes < c.MinMemoryBytes, "%s of memory (%d bytes) of at least %s", hardware.Size(f.Memory.TotalBytes), f.Memory.TotalBytes, hardware.Size(c.MinMemoryBytes))
	no(cores < c.MinCores, "%d cores of at least %d", cores, c.MinCores)
	no(!strings.HasPrefix(f.System.Product, c.Product), "product %q does not start with %q", f.System.Product, c.Product)
	return why
}

// usable are the disks that something may be written to: fixed, writable, and with a serial by which an
// order can name them and no other.
func usable(disks []hardware.Disk) []hardware.Disk {
	serials := map[string]int{}
	for _, d := range disks {
		serials[d.Serial]++
	}
	return slices.DeleteFunc(slices.Clone(disks), func(d hardware.Disk) bool {
		return d.Removable || d.ReadOnly || d.Serial == "" || d.SizeBytes == 0 || serials[d.Serial] > 1
	})
}

// Disks chooses the system disk and the data disks of a role on a machine, always the same for the same
// facts: the smallest that fits is the system's, the data disks go by serial.
func (r Role) Disks(f hardware.Facts) (system hardware.Disk, data []Data, err error) {
	all := usable(f.Disks)
	slices.SortFunc(all, func(a, b hardware.Disk) int {
		if a.SizeBytes != b.SizeBytes {
			if a.SizeBytes < b.SizeBytes {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Serial, b.Serial)
	})
	i := slices.IndexFunc(all, r.SystemDisk.fits)
	if i < 0 {
		return hardware.Disk{}, nil, fmt.Errorf("%w for the system of role %s: %s among %d usable disks",
			ErrNoDisk, r.Name, r.SystemDisk, len(all))
	}
	system = all[i]
	if r.DataDisks == nil {
		return system, nil, nil
	}
	rest := slices.DeleteFunc(slices.Delete(all, i, i+1), func(d hardware.Disk) bool { return !r.DataDisks.fits(d) })
	slices.SortFunc(rest, func(a, b hardware.Disk) int { return strings.Compare(a.Serial, b.Serial) })
	for n, d := range rest {
		data = append(data, Data{Serial: d.Serial, Label: fmt.Sprintf("%s%d", r.DataDisks.Label, n+1), SizeBytes: d.SizeBytes})
	}
	if len(data) < r.DataDisks.MinCount {
		return hardware.Disk{}, nil, fmt.Errorf("%w for the data of role %s: %s wants %d, %d fit",
			ErrNoDisk, r.Name, r.DataDisks, r.DataDisks.MinCount, len(data))
	}
	return system, data, nil
}

func (d DiskRule) fits(disk hardware.Disk) bool {
	return disk.SizeBytes >= d.MinBytes && (d.MaxBytes == 0 || disk.SizeBytes <= d.MaxBytes) &&
		(d.Rotational == nil || *d.Rotational == disk.Rotational) &&
		(d.Transport == "" || d.Transport == disk.Transport)
}

// String says the rule in words, for reasons.
func (d DiskRule) String() string {
	parts := []string{"at least " + hardware.Size(d.MinBytes)}
	if d.MaxBytes > 0 {
		parts = append(parts, "at most "+hardware.Size(d.MaxBytes))
	}
	if d.Rotational != nil {
		parts = append(parts, fmt.Sprintf("rotational=%v", *d.Rotational))
	}
	if d.Transport != "" {
		parts = append(parts, "transport "+d.Transport)
	}
	return strings.Join(parts, ", ")
}

// Unfit says why a machine with these facts cannot have the role: its conditions, then its disks; empty when it can.
func (r Role) Unfit(f hardware.Facts) (why []string) {
	if why = r.Match.unmet(f); len(why) > 0 {
		return why
	}
	if _, _, err := r.Disks(f); err != nil {
		return []string{err.Error()}
	}
	return nil
}
