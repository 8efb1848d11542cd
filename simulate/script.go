package simulate

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// script is what a boot script of iPXE makes a server do, as far as Socle's scripts go.
type script struct {
	kernel, initrd string   // URLs
	params         []string // of the kernel
	disk           bool     // the disk is booted, or the firmware goes on to it
	chain          string   // URL of the next script, when there is nothing else
	after          time.Duration
	address        bool // an address is asked for anew before
}

// readScript follows a script of iPXE along its straight road: the one on which no command fails.
func readScript(text string, variables map[string]string) (s script) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(expand(line, variables), "||")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		args := operands(words[1:])
		switch words[0] {
		case "kernel":
			if len(args) > 0 && s.kernel == "" {
				s.kernel, s.params = args[0], args[1:]
			}
		case "initrd":
			if len(args) > 0 && s.initrd == "" {
				s.initrd = args[0]
			}
		case "boot":
			return s
		case "sanboot", "exit":
			s.disk = true
			return s
		case "ifclose":
			s.address = true
		case "sleep":
			if n, err := strconv.Atoi(strings.Join(args, "")); err == nil && n >= 0 {
				s.after = min(time.Duration(n)*time.Second, time.Hour)
			}
		case "chain":
			if len(args) > 0 {
				s.chain = args[0]
				return s
			}
		}
	}
	return s
}

// valued are the options of iPXE's commands that take a value.
var valued = map[string]bool{"--name": true, "--timeout": true, "--drive": true}

// operands are the words that are neither options nor their values.
func operands(words []string) []string {
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		if valued[words[0]] && len(words) > 1 {
			words = words[1:]
		}
		words = words[1:]
	}
	return words
}

// expand puts variables in: ${name}, and ${name:uristring} escaped. One that is not known is empty.
func expand(line string, variables map[string]string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(line, "${")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return b.String()
		}
		name, form, _ := strings.Cut(name, ":")
		value := variables[name]
		if form == "uristring" {
			value = url.PathEscape(value)
		}
		b.WriteString(value)
		line = after
	}
}
