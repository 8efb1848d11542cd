package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
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
			row = append(row, short(s.p50), short(s.p99), ratio(s.quicker))
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

// The marks between which the document is written anew.
const (
	markBegin = "<!-- bench-boot: written by make bench-boot -->"
	markEnd   = "<!-- /bench-boot -->"
)

// writeDocument puts the tables between the marks of a Markdown file.
func writeDocument(o options, all []measurement) error {
	text, err := os.ReadFile(o.markdown)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), markBegin)
	_, after, ok2 := strings.Cut(rest, markEnd)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the tables: it lacks the line %q or %q after it", o.markdown, markBegin, markEnd)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%s\n\n", before, markBegin)
	fmt.Fprintf(&b, "`make bench-boot` on commit %s, %s; %d turns of %s for each server, in turns. Medians; the ratios are medians of the rounds'.\n",
		o.commit, time.Now().UTC().Format(time.DateOnly), o.rounds, o.time)
	for _, m := range all {
		fmt.Fprintf(&b, "\n### %s\n\n", m.work.name)
		if m.work.aim != "" {
			fmt.Fprintf(&b, "Aim: %s.\n\n", m.work.aim)
		}
		line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
		line(m.header())
		line(strings.Split(strings.Repeat("---,", len(m.header())-1)+"---", ","))
		for _, row := range m.cells() {
			line(row)
		}
	}
	fmt.Fprintf(&b, "\n%s%s", markEnd, after)
	return os.WriteFile(o.markdown, b.Bytes(), 0o644) //nolint:gosec // a document
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

// short prints a time with three significant digits.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	default:
		return d.Round(100 * time.Nanosecond).String()
	}
}
