package console

import (
	"strings"
	"time"
)

// plain makes lines of text out of a terminal's output: what colours is left out, what moves the cursor elsewhere ends
// a line, as firmware and boot menus draw with it.
type plain struct {
	state state
	line  []byte
	at    time.Time // of the line's first character
}

type state int

const (
	text   state = iota
	escape       // after ESC
	csi          // after ESC [
	str          // of an operating system command and its like, until BEL or ST
	strEsc       // after ESC in such a string
	one          // one more byte follows, as after ESC (
)

// feed takes output in and calls line for each line that has ended.
func (p *plain) feed(now time.Time, data []byte, line func(time.Time, string)) {
	for _, c := range data {
		switch p.state {
		case text:
			p.char(now, c, line)
		case escape:
			p.escaped(c, line)
		case csi:
			if c >= 0x40 && c <= 0x7e {
				p.state = text
				if strings.IndexByte("ABEFGHdfJ", c) >= 0 {
					p.flush(line)
				}
			}
		case str:
			switch c {
			case 0x07:
				p.state = text
			case 0x1b:
				p.state = strEsc
			}
		case strEsc:
			p.state = text
		case one:
			p.state = text
		}
	}
}

func (p *plain) escaped(c byte, line func(time.Time, string)) {
	switch {
	case c == '[':
		p.state = csi
	case strings.IndexByte("]PX^_", c) >= 0:
		p.state = str
	case strings.IndexByte("()*+#% ", c) >= 0:
		p.state = one
	default:
		p.state = text
		if strings.IndexByte("DEMc8", c) >= 0 {
			p.flush(line)
		}
	}
}

func (p *plain) char(now time.Time, c byte, line func(time.Time, string)) {
	switch {
	case c == 0x1b:
		p.state = escape
	case c == '\n' || c == '\r':
		p.flush(line)
	case c == '\b':
		if n := len(p.line); n > 0 {
			p.line = p.line[:n-1]
		}
	case c == '\t' || c >= ' ' && c != 0x7f:
		if len(p.line) == 0 {
			p.at = now
		}
		p.line = append(p.line, c)
		if len(p.line) >= maxLine {
			p.flush(line)
		}
	}
}

// flush ends the line that is open.
func (p *plain) flush(line func(time.Time, string)) {
	if t := strings.TrimRight(strings.ToValidUTF8(string(p.line), "\uFFFD"), " \t"); t != "" {
		line(p.at, t)
	}
	p.line = p.line[:0]
}
