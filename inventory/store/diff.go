package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"socle/inventory"
)

// changedParts tells which parts of a machine differ, as two JSON objects with equal keys; both are empty
// when nothing does. Facts are large: the history keeps their digest only.
func changedParts(before, after machineRow) (b, a json.RawMessage, quiet bool, err error) {
	bp, ap := before.parts(), after.parts()
	db, da := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	quiet = true
	for key, v := range ap {
		if string(bp[key]) == string(v) {
			continue
		}
		db[key], da[key] = bp[key], v
		quiet = quiet && (key == "seen_at" || key == "power_at")
	}
	if len(da) == 0 {
		return nil, nil, true, nil
	}
	if b, err = json.Marshal(db); err != nil {
		return nil, nil, false, fmt.Errorf("encoding an event: %w", err)
	}
	if a, err = json.Marshal(da); err != nil {
		return nil, nil, false, fmt.Errorf("encoding an event: %w", err)
	}
	return b, a, quiet, nil
}

// parts are the columns of a machine as JSON values, without those that every change moves.
func (r machineRow) parts() map[string]json.RawMessage {
	p := map[string]json.RawMessage{}
	for key, text := range map[string]string{
		"name": r.Name, "state": r.State, "target": r.Target, "step": r.Step, "boot": r.Boot, "power": r.Power,
		"address": r.Address, "role": r.Role, "model": r.Model, "delivery": r.Delivery, "facts_sha256": digest(r.Facts),
	} {
		v, _ := json.Marshal(text) // a string always encodes
		p[key] = v
	}
	for key, us := range map[string]int64{
		"since": r.Since, "deadline": r.Deadline, "power_at": r.PowerAt, "facts_at": r.FactsAt, "seen_at": r.SeenAt,
	} {
		p[key] = json.RawMessage("null")
		if us != 0 {
			v, _ := json.Marshal(instant(us)) // a time of this era always encodes
			p[key] = v
		}
	}
	for key, text := range map[string]string{
		"fault": r.Fault, "hold": r.Hold, "intent": r.Intent, "identity": r.Identity, "place": r.Place,
		"bmc": r.BMC, "deployed": r.Deployed, "op": r.Op, "wish": r.Wish, "medium": r.Medium, "tuning": r.Tuning,
	} {
		p[key] = json.RawMessage("null")
		if text != "" {
			p[key] = json.RawMessage(text)
		}
	}
	p["in_plan"] = json.RawMessage(fmt.Sprint(r.InPlan))
	return p
}

func digest(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// quietNote tells whether a change says nothing of itself.
func quietNote(n inventory.Note) bool { return n.Kind == "" && n.Reason == "" }
