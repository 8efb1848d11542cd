package store

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"socle/inventory"
)

// machineRow is a machine as the table holds it: columns for what is looked up, JSON for the rest.
type machineRow struct {
	ID        string `gorm:"primaryKey"`
	Name      string
	Version   int64
	State     string
	Since     int64
	Target    string
	Deadline  int64
	Step      string
	Fault     string
	Hold      string
	Tuning    string
	Intent    string
	Boot      string
	Power     string
	PowerAt   int64
	Wish      string
	SerialKey string
	UUIDKey   string `gorm:"column:uuid_key"`
	Identity  string
	Place     string
	BMC       string `gorm:"column:bmc"`
	Address   string
	Role      string
	Deployed  string
	Op        string
	Medium    string
	Model     string
	Delivery  string
	InPlan    bool
	Facts     string
	FactsAt   int64
	SeenAt    int64
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	UpdatedAt int64 `gorm:"autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (machineRow) TableName() string { return "machines" }

func toRow(m inventory.Machine) (machineRow, error) {
	m.Identity = m.Identity.Normalize()
	r := machineRow{
		ID: m.ID, Name: clean(m.Name), Version: m.Version,
		State: string(m.State), Since: micros(m.Since), Target: string(m.Target), Deadline: micros(m.Deadline), Step: clean(m.Step),
		Boot: string(m.Boot), Power: string(m.Power), PowerAt: micros(m.PowerAt),
		SerialKey: serialKey(m.Identity.Serial), UUIDKey: cut(m.Identity.UUID, 512),
		Role: clean(m.Role), Model: cut(m.Model, 200), Delivery: cut(m.Delivery, 200), InPlan: m.InPlan, FactsAt: micros(m.FactsAt), SeenAt: micros(m.SeenAt),
		CreatedAt: micros(m.CreatedAt), UpdatedAt: micros(m.UpdatedAt),
	}
	if m.Address.IsValid() {
		r.Address = m.Address.String()
	}
	for _, p := range []struct {
		column *string
		value  any
	}{
		{&r.Fault, m.Fault}, {&r.Hold, m.Hold}, {&r.Intent, m.Intent}, {&r.Identity, m.Identity},
		{&r.Place, m.Place}, {&r.BMC, m.BMC}, {&r.Deployed, m.Deployed}, {&r.Op, m.Op}, {&r.Wish, m.Wish}, {&r.Tuning, m.Tuning}, {&r.Medium, m.Medium}, {&r.Facts, m.Facts},
	} {
		text, err := encode(p.value)
		if err != nil {
			return machineRow{}, fmt.Errorf("encoding machine %s: %w", m.Name, err)
		}
		*p.column = text
	}
	return r, nil
}

func (r machineRow) machine() (inventory.Machine, error) {
	m := inventory.Machine{
		ID: r.ID, Name: r.Name, Version: r.Version,
		State: inventory.State(r.State), Since: instant(r.Since), Target: inventory.State(r.Target), Deadline: instant(r.Deadline), Step: r.Step,
		Boot: inventory.Boot(r.Boot), Power: inventory.Power(r.Power), PowerAt: instant(r.PowerAt),
		Role: r.Role, Model: r.Model, Delivery: r.Delivery, InPlan: r.InPlan, FactsAt: instant(r.FactsAt), SeenAt: instant(r.SeenAt),
		CreatedAt: instant(r.CreatedAt), UpdatedAt: instant(r.UpdatedAt),
	}
	if r.Address != "" {
		a, err := netip.ParseAddr(r.Address)
		if err != nil {
			return m, fmt.Errorf("decoding machine %s: %w", r.Name, err)
		}
		m.Address = a
	}
	for _, p := range []struct {
		column string
		value  any
	}{
		{r.Fault, &m.Fault}, {r.Hold, &m.Hold}, {r.Intent, &m.Intent}, {r.Identity, &m.Identity},
		{r.Place, &m.Place}, {r.BMC, &m.BMC}, {r.Deployed, &m.Deployed}, {r.Op, &m.Op}, {r.Wish, &m.Wish}, {r.Tuning, &m.Tuning}, {r.Medium, &m.Medium}, {r.Facts, &m.Facts},
	} {
		if p.column == "" {
			continue
		}
		if err := json.Unmarshal([]byte(p.column), p.value); err != nil {
			return m, fmt.Errorf("decoding machine %s: %w", r.Name, err)
		}
	}
	return m, nil
}

// encode writes a value as JSON; a nil or zero one as nothing.
func encode(v any) (string, error) {
	if reflect.ValueOf(v).IsZero() {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// micros and instant turn times to what the tables hold and back; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// clean makes a text that came from outside storable: PostgreSQL takes neither NUL nor broken UTF-8.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// cut is clean with a bound, in bytes.
func cut(s string, bytes int) string {
	s = clean(s)
	if len(s) <= bytes {
		return s
	}
	return strings.ToValidUTF8(s[:bytes], "") + "…"
}

// serialKey is what serials are compared by: their case does not matter, and an index bounds their length.
func serialKey(serial string) string { return cut(strings.ToLower(clean(serial)), 512) }
