package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Mapping says, as it was written, how the lists of one vendor become manifests or orders.
type Mapping struct {
	Name  string
	Text  string // YAML
	Actor string
	Time  time.Time
}

// Delivery is a purchase order: what comes, of whom, and when.
type Delivery struct {
	Number   string
	Vendor   string
	Ordered  time.Time // day; zero: not said
	Expected time.Time // likewise
	Lines    []OrderLine
	Actor    string
	Time     time.Time // when it was imported
}

// OrderLine is one line of a purchase order. One with a model is of servers: so many of them are expected.
type OrderLine struct {
	Line        int    `json:"line"`
	PartNumber  string `json:"part_number,omitempty"`
	Model       string `json:"model,omitempty"` // as machines have it; empty: no servers
	Description string `json:"description,omitempty"`
	Quantity    int    `json:"quantity"`
	UnitPrice   Amount `json:"unit_price,omitempty"`
	Currency    string `json:"currency,omitempty"` // ISO 4217
}

// Amount is money, in ten-thousandths of a unit of its currency.
type Amount int64

const amountUnit = 10_000

// ParseAmount reads "1234.50"; the decimal sign is a point, or a comma that stands alone, and at most four digits follow it.
func ParseAmount(text string) (Amount, error) {
	plain := strings.NewReplacer(" ", "", "\u00a0", "", "'", "").Replace(text)
	if strings.Count(plain, ",") == 1 && !strings.Contains(plain, ".") && !thousands(plain) {
		plain = strings.Replace(plain, ",", ".", 1)
	}
	if strings.LastIndexByte(plain, ',') > strings.LastIndexByte(plain, '.') && strings.Contains(plain, ".") {
		return 0, fmt.Errorf("%q is no amount such as 1234.50: the decimal sign is a point", text)
	}
	whole, part, _ := strings.Cut(strings.ReplaceAll(plain, ",", ""), ".")
	if trimmed := strings.TrimRight(part, "0"); len(trimmed) < len(part) {
		part = trimmed
	}
	if len(whole) == 0 || len(whole) > 12 || len(part) > 4 || strings.Trim(whole+part, "0123456789") != "" {
		return 0, fmt.Errorf("%q is no amount such as 1234.50", text)
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", 4-len(part)), 10, 64)
	return Amount(n), err
}

// thousands tells whether a single comma parts thousands: three digits follow it.
func thousands(s string) bool { return len(s)-strings.IndexByte(s, ',') == 4 }

// String writes it with two decimals at least.
func (a Amount) String() string {
	s := fmt.Sprintf("%d.%04d", a/amountUnit, a%amountUnit)
	for strings.HasSuffix(s, "0") && len(s)-strings.IndexByte(s, '.') > 3 {
		s = s[:len(s)-1]
	}
	return s
}

// LineProgress is what has come of one line of servers. Lines of one model are filled one after the other.
type LineProgress struct {
	OrderLine
	Announced int // machines of this delivery and model with a serial number
	Racked    int // of those, with a place
	Detected  int // of those, seen
}

// Missing is how many nobody has announced yet.
func (l LineProgress) Missing() int { return max(0, l.Quantity-l.Announced) }

// NotSeen is how many were ordered and not seen.
func (l LineProgress) NotSeen() int { return max(0, l.Quantity-l.Detected) }

// Progress is how far a delivery is.
type Progress struct {
	Delivery
	Lines []LineProgress // of servers
	Other []OrderLine    // of anything else
	// Extra are machines of this delivery that no line ordered: of a model that none has, or more than were ordered.
	Extra []string
}

// NotSeen is how many servers were ordered and not seen.
func (p Progress) NotSeen() (n int) {
	for _, l := range p.Lines {
		n += l.NotSeen()
	}
	return n
}

// Seen tells whether a machine has given a sign of life, ever.
func (m *Machine) Seen() bool {
	return !m.SeenAt.IsZero() || m.State != Expected && m.State != Retired
}

// progressKey is what machines and lines are brought together by.
func progressKey(delivery, model string) string {
	return strings.ToLower(strings.TrimSpace(delivery)) + "\x00" + strings.ToLower(strings.TrimSpace(model))
}

// Follow brings deliveries and machines together. notSeen is how many servers are to come: those that are ordered, and those
// that a manifest announced without an order, and have never been seen.
func Follow(deliveries []Delivery, machines []Machine) (all []Progress, notSeen int) {
	sorted := slices.SortedFunc(slices.Values(deliveries), func(a, b Delivery) int { return cmp.Compare(a.Number, b.Number) })
	by := map[string][]*Machine{}
	for i := range machines {
		m := &machines[i]
		by[progressKey(m.Delivery, "")] = append(by[progressKey(m.Delivery, "")], m)
	}
	ordered := map[*Machine]bool{}
	for _, d := range sorted {
		p := Progress{Delivery: d}
		for _, l := range d.Lines {
			if l.Model == "" {
				p.Other = append(p.Other, l)
			} else {
				p.Lines = append(p.Lines, LineProgress{OrderLine: l})
			}
		}
		p.fill(by[progressKey(d.Number, "")], ordered)
		notSeen += p.NotSeen()
		all = append(all, p)
	}
	for i := range machines {
		if m := &machines[i]; m.InPlan && m.State != Retired && !m.Seen() && !ordered[m] {
			notSeen++
		}
	}
	return all, notSeen
}

// fill counts the machines of a delivery into its lines, those that were seen first, and notes which stand for an order.
func (p *Progress) fill(machines []*Machine, ordered map[*Machine]bool) {
	sorted := slices.SortedStableFunc(slices.Values(machines), func(a, b *Machine) int {
		return cmp.Or(boolean(b.Seen())-boolean(a.Seen()), boolean(b.Place.Known())-boolean(a.Place.Known()), cmp.Compare(a.Name, b.Name))
	})
	for _, m := range sorted {
		if m.Identity.Serial == "" {
			continue
		}
		l := p.line(m)
		if l == nil {
			p.Extra = append(p.Extra, m.Name)
			continue
		}
		ordered[m] = true
		l.Announced++
		l.Racked += boolean(m.Place.Known())
		l.Detected += boolean(m.Seen())
	}
	slices.Sort(p.Extra)
}

// line is the first line of the machine's model that is not filled; of a machine whose model is not known, the only one.
func (p *Progress) line(m *Machine) *LineProgress {
	for i := range p.Lines {
		l := &p.Lines[i]
		fits := strings.EqualFold(strings.TrimSpace(m.Model), l.Model) || m.Model == "" && len(p.Lines) == 1
		if fits && l.Announced < l.Quantity {
			return l
		}
	}
	return nil
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
