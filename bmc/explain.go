package bmc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"socle/internal/secret"
)

// explain turns what the libraries say into texts for people: what was tried on which server, what happened,
// what to do. A controller is a stranger: its words are cut, stripped of control characters and of the
// password, and the library's error does not travel further.
type explain struct{}

func (explain) call(ctx context.Context, t Target, o op, next step) (any, error) {
	v, err := next(ctx)
	return v, explained(err, t, o)
}

// failure is an error whose text has been made safe.
type failure struct {
	text  string
	kinds []error
}

func (f *failure) Error() string   { return f.text }
func (f *failure) Unwrap() []error { return f.kinds }

// doing says an action in words.
func (a Action) doing() string {
	switch a {
	case On:
		return "switching on"
	case Off:
		return "switching off"
	case Cycle:
		return "power-cycling"
	case Reset:
		return "resetting"
	case Soft:
		return "shutting down"
	default:
		return fmt.Sprintf("doing %q with the power of", string(a))
	}
}

func explained(err error, t Target, o op) error {
	if err == nil {
		return nil
	}
	at := fmt.Sprintf("%s at %s, user %q", t.Protocol, t.Address, t.User)
	if len(t.Outlets) > 0 {
		at += ", outlets " + strings.Join(t.Outlets, ", ")
	}
	told := err.Error()
	for _, r := range remedies {
		if errors.Is(err, r.kind) && r.remedy != "" {
			told += "; " + r.remedy
			break
		}
	}
	if t.Protocol.PowerOnly() { // the words are those of BMCs
		told = strings.NewReplacer("the BMC", "the "+t.means(), "this BMC", "this "+t.means()).Replace(told)
	}
	first, second := secret.Split(t.Password)
	text := clean(fmt.Sprintf("%s %s by its %s (%s): %s", o.doing, t.Machine, t.means(), at, told), t.Password, first, second, o.hide)
	return &failure{text: text, kinds: sentinels(err)}
}

// maxText is how long the text of an error may be, in bytes.
const maxText = 600

// clean makes a foreign text fit to be logged and shown.
func clean(text string, secrets ...secret.Secret) string {
	for _, s := range secrets {
		if s := s.Reveal(); len(s) > 2 { // shorter ones are in every word
			text = strings.ReplaceAll(text, s, secret.Redacted)
		}
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == utf8.RuneError
	}), " ")
	if len(text) <= maxText {
		return text
	}
	cut := maxText
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
