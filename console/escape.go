package console

import (
	"fmt"
	"strings"
)

// escapeHelp is what the escape character and a question mark show.
const escapeHelp = `
Escape sequences, after a new line:
 ~.  end
 ~t  take the console over
 ~w  give it up and watch
 ~B  send a break
 ~s  type "stty rows … cols …", so that a shell there knows the size of this terminal
 ~~  the escape character itself
 ~?  this list
`

// escapeActs are what may follow the escape character.
const escapeActs = ".twBs?"

// Escape finds escape sequences in what is typed, as ssh does: the escape character counts after a new line only.
type Escape struct {
	char byte // 0: none
	mid  bool // of a line
	half bool // the escape character was typed
}

// NewEscape takes one character, or the word none.
func NewEscape(text string) (*Escape, error) {
	switch {
	case text == "none":
		return &Escape{}, nil
	case len(text) == 1 && text[0] > ' ' && text[0] < 0x7f && !strings.Contains(escapeActs, text):
		return &Escape{char: text[0]}, nil
	}
	return nil, fmt.Errorf("the escape character %q: use one character that is none of %q, or none", text, escapeActs)
}

// Feed returns what is meant for the server, and the escape sequences without their character: "." to end, "t" to take
// the console over, "w" to give it up, "B" to send a break, "s" to tell a shell the terminal's size, "?" for help.
func (e *Escape) Feed(typed []byte) (keys, acts []byte) {
	for _, c := range typed {
		switch {
		case e.half:
			e.half, e.mid = false, true
			if c == e.char {
				keys = append(keys, c)
				continue
			}
			if strings.IndexByte(escapeActs, c) >= 0 {
				acts, e.mid = append(acts, c), false
				continue
			}
			keys = append(keys, e.char, c)
			e.mid = c != '\r' && c != '\n'
		case !e.mid && c == e.char && c != 0:
			e.half = true
		default:
			keys = append(keys, c)
			e.mid = c != '\r' && c != '\n'
		}
	}
	return keys, acts
}

// Help lists the escape sequences.
func (e *Escape) Help() string { return strings.ReplaceAll(escapeHelp, "~", string(rune(e.char))) }

// SizeCommand is what tells a shell on a serial line how large the terminal is; nil when it is not known.
func SizeCommand(cols, rows int) []byte {
	if sizeText(cols, rows) == nil {
		return nil
	}
	return fmt.Appendf(nil, "stty rows %d cols %d\r", rows, cols)
}
