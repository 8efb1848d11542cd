package webtest

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"

	"socle/hardware"
	"socle/inventory"
)

// Marker is part of every hostile text.
const Marker = "pwned-marker"

// Hostile is what a server that means harm says of itself, in every field that it can fill: markup, quotes,
// template and shell syntax, control characters, and some size bytes of them.
func Hostile(size int) string {
	return `"><script>window.pwned=1</script><img src=x onerror="window.pwned=2"><svg onload=window.pwned=3>` +
		`'--></title></textarea><style>*{display:none}</style><base href=//evil.example/>{{.Frame.CSRF}}${7*7}$(reboot)` + "`id`;" +
		"\r\nSet-Cookie: a=b\r\n\r\n\x00\x1b]0;title\x07\x1b[2J\u202e\u200b\xff\xfe" + Marker + strings.Repeat("A<b>", size/4)
}

// FillHostile puts one machine into the world of which every text is hostile and of this size.
func (w *World) FillHostile(size int) {
	bad := Hostile(size)
	var facts hardware.Facts
	poison(reflect.ValueOf(&facts).Elem(), bad)
	m := inventory.Machine{
		ID: "id-hostile", Name: bad, State: inventory.Deploying, Since: w.Now(), Facts: &facts, FactsAt: w.Now(),
		Address: netip.MustParseAddr("198.18.0.66"),
	}
	for _, part := range []any{&m.Identity, &m.Place, &m.BMC, &m.Deployed} {
		poison(reflect.ValueOf(part).Elem(), bad)
	}
	m.Place.U = 5
	m.Role, m.Step, m.Intent.State = bad, bad, inventory.State(bad)
	m.Fault = &inventory.Fault{Kind: inventory.FaultKind(bad), Reason: bad, Remedy: bad, Count: 2}
	m.Power = inventory.Power(bad)
	w.Put(m)
	var c inventory.Condition
	poison(reflect.ValueOf(&c).Elem(), bad)
	c.Failures = 3
	alarm := inventory.Alarm{}
	poison(reflect.ValueOf(&alarm).Elem(), bad)
	w.Ail("id-hostile", c, []inventory.Alarm{alarm}, nil, nil, false)
	w.PutOrder(inventory.Order{ID: bad, Machine: m.ID, Kind: bad, State: inventory.OrderTaken, Code: bad, Message: bad, Done: -5, Total: 3, Wire: -1, IssuedAt: w.Now()})
	object, err := json.Marshal(map[string]string{"state": bad, bad: bad})
	if err == nil {
		w.Append(inventory.Event{Time: w.Now(), Machine: m.ID, Name: bad, Actor: bad, Kind: bad, Reason: bad, Before: []byte(`{"state":"x"}`), After: object})
	}
	w.Append(inventory.Event{Time: w.Now(), Machine: m.ID, Name: bad, Actor: "agent", Kind: "order", Reason: bad, Before: []byte(`[`), After: []byte(`"`)})
	w.See(inventory.Evidence{Time: w.Now(), Machine: m.ID, MAC: bad, Source: bad, Asked: bad, Reply: bad})
}

// poison fills every text of a value, with one element in each list.
func poison(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				poison(v.Field(i), text)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		poison(v.Index(0), text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		poison(v.Elem(), text)
	}
}
