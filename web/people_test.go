package web

import (
	"fmt"
	"testing"
	"time"

	"socle/internal/secret"
)

func TestPeople(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	p := newPeople(func() time.Time { return now })
	id := p.start(secret.New("token"))
	b, ok := p.find(id)
	if !ok || b.token.Reveal() != "token" || b.csrf == "" || b.csrf == id {
		t.Fatalf("the session just begun is %+v, %v", b, ok)
	}
	if _, ok := p.find(id + "x"); ok {
		t.Error("another cookie has a session")
	}
	now = now.Add(personIdle - time.Minute)
	if _, ok := p.find(id); !ok {
		t.Error("the session is gone before its time")
	}
	now = now.Add(personIdle - time.Minute) // it was used meanwhile
	if _, ok := p.find(id); !ok {
		t.Error("using a session does not keep it")
	}
	now = now.Add(personIdle + time.Minute)
	if _, ok := p.find(id); ok {
		t.Error("an idle session is still there")
	}
	for i := range maxPeople + 50 {
		now = now.Add(time.Millisecond)
		p.start(secret.New(fmt.Sprint(i)))
	}
	if n := len(p.all); n > maxPeople {
		t.Errorf("%d sessions are kept, at most %d may be", n, maxPeople)
	}
	last := p.start(secret.New("last"))
	p.end(last)
	if _, ok := p.find(last); ok {
		t.Error("an ended session is still there")
	}
}
