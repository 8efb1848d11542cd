package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

func (t turn) words(w work) string {
	s := fmt.Sprintf("%s %s, %s %s", number(t.rate), w.unit, number(t.cost), w.cost)
	if t.p99 > 0 {
		s += fmt.Sprintf(", p50 %s, p99 %s", short(t.p50), short(t.p99))
	}
	if t.lost > 0 {
		s += fmt.Sprintf(", %d lost", t.lost)
	}
	return s + fmt.Sprintf(", %d MiB", t.rss>>20)
}

// header and cells are the table of a work, for the terminal and for the document.
func (m measurement) header() []string {
	h := []string{"server", m.work.unit, "ours ×", m.work.cost, "ours cheaper ×"}
	if m.timed() {
		h = append(h, "p50", "p99", "ours quicker × (p99)")
	}
	return append(h, "lost", "MiB")
}

func (m measurement) timed() bool {
	return len(m.turns) > 0 && len(m.turns[0]) > 0 && m.turns[0][0].p99 > 0
}

func (m measurement) cells() (rows [][]string) {
	for i, s := range m.summaries() {
		ratio := func(f float64) string {
			if i == 0 {
				return ""
			}
			return fmt.Sprintf("%.2f", f)
		}
		row := []string{m.work.peers[i].name, number(s.rate), ratio(s.faster), number(s.cost), ratio(s.cheaper)}
		if m.timed() {
			quicker := ratio(s.quicker)
			if s.p99 == 0 { // no client finished within a turn
				quicker = ""
			}
			row = append(row, short(s.p50), short(s.p99), quicker)
		}
		rows = append(rows, append(row, fmt.Sprint(s.lost), fmt.Sprint(s.rss>>20)))
	}
	return rows
}

func (m measurement) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{m.header()}, m.cells()...) {
		fmt.Fprintln(t, "  "+strings.Join(row, "\t"))
	}
	t.Flush()
}

// tables is the text of what was measured, for the document: of works that were not measured this time it keeps what
// the old text has.
func tables(o options, all []measurement, old string) string {
	sections := map[string]string{}
	for _, part := range strings.Split("\n"+old, "\n### ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		sections[name] = strings.TrimSpace(body)
	}
	for _, m := range all {
		sections[m.work.name] = m.section(o)
	}
	var b strings.Builder
	for _, w := range works() { // in their order; what is no work any more goes
		if body, ok := sections[w.name]; ok {
			fmt.Fprintf(&b, "### %s\n\n%s\n\n", w.name, body)
		}
	}
	return b.String()
}

// section is the text of one work.
func (m measurement) section(o options) string {
	var b strings.Builder
	if m.work.aim != "" {
		fmt.Fprintf(&b, "Aim: %s. ", m.work.aim)
	}
	fmt.Fprintf(&b, "Commit %s, %s; %d turns of %s for each server. Medians; the ratios are medians of the rounds'.\n\n",
		o.commit, time.Now().UTC().Format(time.DateOnly), o.rounds, max(o.time, m.work.least))
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(m.header())
	line(strings.Split(strings.Repeat("---,", len(m.header())-1)+"---", ","))
	for _, row := range m.cells() {
		line(row)
	}
	return strings.TrimSpace(b.String())
}

// number prints three significant digits, with commas from thousands on.
func number(f float64) string {
	switch {
	case f < 0.1:
		return fmt.Sprintf("%.4f", f)
	case f < 10:
		return fmt.Sprintf("%.2f", f)
	case f < 100:
		return fmt.Sprintf("%.1f", f)
	}
	s := fmt.Sprintf("%.0f", f)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short prints a time with three significant digits, and nothing for none.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	default:
		return d.Round(100 * time.Nanosecond).String()
	}
}
