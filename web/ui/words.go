package ui

import (
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"strings"
	"time"

	"socle/hardware"
	"socle/inventory"
)

var functions = template.FuncMap{
	"bytes":   hardware.Size,
	"count":   inventory.Plural,
	"clock":   func(t time.Time) string { return t.UTC().Format("15:04:05") },
	"stamp":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"machine": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"digest":  shortDigest,
	"words":   words,
	"seconds": seconds,
}

// size says a number of bytes in binary units.
func size(n int64) string {
	return hardware.Size(uint64(max(n, 0)))
}

// short bounds a word that stands in a narrow place. Ours are all shorter.
func short(s string) string {
	if r := []rune(s); len(r) > 20 {
		return string(r[:20]) + "…"
	}
	return s
}

// duration says how long, with two units at most, on one line.
func duration(d time.Duration) string {
	return strings.ReplaceAll(spaced(d), " ", "\u00a0")
}

func spaced(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// words turns the name of a step or an order into words.
func words(s string) string { return strings.ReplaceAll(s, "-", " ") }

// shortDigest shows the start of a digest.
func shortDigest(s string) string {
	hex := strings.TrimPrefix(s, "sha256:")
	if len(hex) > 12 {
		return hex[:12]
	}
	return hex
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// link is the path of a machine's page; a name that would need escaping gives way to the ID.
func link(m inventory.Machine) string {
	if plainName.MatchString(m.Name) {
		return "/machines/" + m.Name
	}
	return "/machines/" + url.PathEscape(m.ID)
}

// place says where a machine stands.
func place(p inventory.Place) string {
	var parts []string
	for _, s := range []string{p.Site, p.Room, p.Row} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if p.Rack != "" {
		parts = append(parts, "rack "+p.Rack)
	}
	if p.U > 0 {
		parts = append(parts, fmt.Sprintf("U%d", p.U))
	}
	return strings.Join(parts, " · ")
}

// spot says where a machine stands, where the site and the room are told by something else.
func spot(p inventory.Place) string {
	if p.Rack == "" || p.U < 1 {
		return p.Rack
	}
	return fmt.Sprintf("%s U%d", p.Rack, p.U)
}
