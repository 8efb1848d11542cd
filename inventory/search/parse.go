package search

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Query is a question about machines.
type Query struct {
	root node
	uses map[string]bool
}

// node is a part of a query.
type node interface {
	match(r *Record) bool
	write(b *strings.Builder, inner bool)
}

// Parse reads a query. Its errors are *Error. An empty one fits every machine.
func Parse(text string) (Query, error) {
	p := &parser{lex: lexer{text: text}, uses: map[string]bool{}}
	if len(text) > maxBytes {
		return Query{}, p.lex.fail(maxBytes, "a query has at most %d bytes", maxBytes)
	}
	if at := strings.IndexRune(text, utf8.RuneError); at >= 0 {
		return Query{}, p.lex.fail(at, "this is no text in UTF-8")
	}
	if err := p.advance(); err != nil {
		return Query{}, err
	}
	if p.now.kind == end {
		return Query{root: all{}, uses: p.uses}, nil
	}
	root, err := p.either(0)
	if err == nil && p.now.kind != end {
		err = p.lex.fail(p.now.at, "there is no ( that this ) could close")
	}
	if err != nil {
		return Query{}, err
	}
	return Query{root: root, uses: p.uses}, nil
}

// Match tells whether a machine fits.
func (q Query) Match(r *Record) bool { return q.root == nil || q.root.match(r) }

// Uses tells whether a field is asked for; words without a field ask all of text.
func (q Query) Uses(field string) bool { return q.uses[field] || q.uses[""] }

// String writes the query so that Parse reads the same.
func (q Query) String() string {
	if q.root == nil {
		return ""
	}
	var b strings.Builder
	q.root.write(&b, false)
	return b.String()
}

type parser struct {
	lex  lexer
	now  token
	uses map[string]bool
}

func (p *parser) advance() (err error) {
	p.now, err = p.lex.next()
	return err
}

// either reads alternatives: a or b.
func (p *parser) either(depth int) (node, error) {
	if depth > maxDepth {
		return nil, p.lex.fail(p.now.at, "more than %d brackets are in each other", maxDepth)
	}
	first, err := p.both(depth)
	if err != nil || p.now.kind != or {
		return first, err
	}
	list := any1{first}
	for p.now.kind == or {
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.both(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

// both reads what has to hold together: a b.
func (p *parser) both(depth int) (node, error) {
	var list every
	for {
		if p.now.kind == and && len(list) > 0 {
			if err := p.advance(); err != nil {
				return nil, err
			}
		} else if len(list) > 0 && (p.now.kind == end || p.now.kind == shut || p.now.kind == or) {
			break
		}
		n, err := p.one(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

func (p *parser) one(depth int) (node, error) {
	if depth > maxDepth {
		return nil, p.lex.fail(p.now.at, "more than %d brackets or minus signs are in each other", maxDepth)
	}
	t := p.now
	switch t.kind {
	case not:
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.one(depth + 1)
		return no{n}, err
	case open:
		return p.brackets(depth)
	case word, quoted:
		p.uses[""] = true
		return free(t.text), p.advance()
	case condition:
		n, err := p.condition(t)
		if err != nil {
			return nil, err
		}
		return n, p.advance()
	}
	what := strconv.Quote(t.text)
	if t.kind == end {
		what = "the end"
	}
	return nil, p.lex.fail(t.at, "a word, a condition such as state:ready, or ( is wanted here, and not %s", what)
}

func (p *parser) brackets(depth int) (node, error) {
	at := p.now.at
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.either(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.now.kind != shut {
		return nil, p.lex.fail(at, "this ( is not closed: a ) is wanted")
	}
	return n, p.advance()
}
