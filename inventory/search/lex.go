package search

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a query.
const (
	maxBytes = 2000
	maxDepth = 50
)

// Error says what is wrong with a query, and where.
type Error struct {
	Query string
	At    int // the character, from 1
	Text  string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("query, at character %d: %s", e.At, e.Text) }

// Mark is the query with a sign under the place, for a terminal.
func (e *Error) Mark() string { return e.Query + "\n" + strings.Repeat(" ", e.At-1) + "^" }

// kind of a token.
type kind int

const (
	end kind = iota
	word
	quoted
	open
	shut
	not
	or
	and
	condition
)

type token struct {
	kind         kind
	at           int // byte
	text         string
	op           string // of a condition
	field        string
	valueAt      int
	valueInQuote bool
}

// macLike is what looks like a condition and is an address.
var macLike = regexp.MustCompile(`^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){2,}$|^[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F:]*$`)

// fieldLike parts a word into a field, what is asked of it, and where its value begins.
var fieldLike = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.-]*)(!=|>=|<=|[:=~<>])`)

type lexer struct {
	text string
	at   int
}

func (l *lexer) fail(at int, format string, args ...any) error {
	return &Error{Query: l.text, At: utf8.RuneCountInString(l.text[:min(at, len(l.text))]) + 1, Text: fmt.Sprintf(format, args...)}
}

// next reads one token.
func (l *lexer) next() (token, error) {
	for l.at < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[l.at:])
		if !unicode.IsSpace(r) {
			break
		}
		l.at += size
	}
	from := l.at
	if from == len(l.text) {
		return token{kind: end, at: from}, nil
	}
	for sign, k := range map[byte]kind{'(': open, ')': shut, '-': not, '|': or} {
		if l.text[from] == sign {
			l.at++
			return token{kind: k, at: from, text: string(sign)}, nil
		}
	}
	if l.text[from] == '"' {
		text, err := l.quoted()
		return token{kind: quoted, at: from, text: text}, err
	}
	rest := l.text[from:]
	if m := fieldLike.FindStringSubmatch(rest); m != nil && !macLike.MatchString(wordOf(rest)) {
		return l.condition(from, m[1], m[2])
	}
	text := wordOf(rest)
	l.at += len(text)
	switch strings.ToLower(text) {
	case "or":
		return token{kind: or, at: from, text: text}, nil
	case "and":
		return token{kind: and, at: from, text: text}, nil
	case "not":
		return token{kind: not, at: from, text: text}, nil
	}
	return token{kind: word, at: from, text: text}, nil
}

func (l *lexer) condition(from int, field, op string) (token, error) {
	l.at = from + len(field) + len(op)
	t := token{kind: condition, at: from, field: strings.ToLower(field), op: op, valueAt: l.at}
	if l.at < len(l.text) && l.text[l.at] == '"' {
		text, err := l.quoted()
		t.text, t.valueInQuote = text, true
		return t, err
	}
	t.text = wordOf(l.text[l.at:])
	l.at += len(t.text)
	if t.text == "" {
		return t, l.fail(l.at, "a value is wanted after %s%s, such as %s%s%s; %s:* asks whether there is any", field, op, field, op, exampleOf(t.field), field)
	}
	return t, nil
}

// quoted reads a text in quotes; \" and \\ stand for themselves.
func (l *lexer) quoted() (string, error) {
	from := l.at
	var b strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; {
		case c == '"':
			l.at++
			return b.String(), nil
		case c == '\\' && l.at+1 < len(l.text):
			l.at++
			b.WriteByte(l.text[l.at])
		default:
			b.WriteByte(c)
		}
	}
	return "", l.fail(from, `this quote has no end: a " is wanted`)
}

// wordOf is the text up to a space or a bracket.
func wordOf(s string) string {
	if i := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == ')' || r == '|' || r == '"' }); i >= 0 {
		return s[:i]
	}
	return s
}
