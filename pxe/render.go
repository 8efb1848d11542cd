package pxe

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// render makes the text of a script. A template is executed once for each shape that a script can have, with
// marks where the words of the machine stand; from then on those words are put between the rest of the text.
func render(name string, s script) ([]byte, error) { return appendScript(nil, name, &s) }

// appendScript is render behind what b holds.
func appendScript(b []byte, name string, s *script) ([]byte, error) {
	parts, err := compiled.parts(name, s)
	if err != nil {
		return b, err
	}
	n := 0
	for _, p := range parts {
		n += len(p.text) + len(p.of(s))
	}
	b = slices.Grow(b, n)
	for _, p := range parts {
		b = append(b, p.text...)
		b = append(b, p.of(s)...)
	}
	return b, nil
}

// The marks are what no template and no URL holds.
const (
	markName   = "\x00name\x00"
	markMAC    = "\x00mac\x00"
	markParams = "\x00params\x00"
)

// shapeOf is the script with marks for the words that every machine has of its own. Whether there are such words
// stays, because templates ask.
func shapeOf(s script) script {
	for _, w := range []struct {
		word *string
		mark string
	}{{&s.Name, markName}, {&s.MAC, markMAC}, {&s.Params, markParams}} {
		if *w.word != "" {
			*w.word = w.mark
		}
	}
	return s
}

// part is some text of a template, and the word that follows it.
type part struct{ text, mark string }

func (p part) of(s *script) string {
	switch p.mark {
	case markName:
		return s.Name
	case markMAC:
		return s.MAC
	case markParams:
		return s.Params
	default:
		return ""
	}
}

// shapeKey is what of a script decides about its shape.
type shapeKey struct {
	name, base                  string
	uefi, isNamed, mac, hasLine bool
}

// compiled holds the executed templates. Their number is bounded by what newScript makes: of the machine's own
// words nothing but their being there is part of a key.
var compiled = compiledScripts{all: map[shapeKey][]part{}}

type compiledScripts struct {
	mu  sync.RWMutex
	all map[shapeKey][]part
}

func (c *compiledScripts) parts(name string, s *script) ([]part, error) {
	key := shapeKey{name, s.Base, s.UEFI, s.Name != "", s.MAC != "", s.Params != ""}
	c.mu.RLock()
	parts, ok := c.all[key]
	c.mu.RUnlock()
	if ok {
		return parts, nil
	}
	var b bytes.Buffer
	if err := scripts.ExecuteTemplate(&b, name+".ipxe.tmpl", shapeOf(*s)); err != nil {
		return nil, fmt.Errorf("rendering boot script %s: %w", name, err)
	}
	parts = cutAtMarks(b.String())
	c.mu.Lock()
	c.all[key] = parts
	c.mu.Unlock()
	return parts, nil
}

// cutAtMarks cuts a text into parts at the marks.
func cutAtMarks(text string) (parts []part) {
	for {
		at, mark := len(text), ""
		for _, m := range []string{markName, markMAC, markParams} {
			if i := strings.Index(text, m); i >= 0 && i < at {
				at, mark = i, m
			}
		}
		parts = append(parts, part{text[:at], mark})
		if mark == "" {
			return parts
		}
		text = text[at+len(mark):]
	}
}
