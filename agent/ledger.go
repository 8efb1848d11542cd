package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"socle/api"
)

// maxStarts is how often one order is begun: the agent starts anew after a crash, and an order that crashes it
// each time must not do so for ever.
const maxStarts = 3

// entry is what is known of one order.
type entry struct {
	Sum    string      `json:"sum"` // of the order's contents
	Starts int         `json:"starts"`
	Seq    int64       `json:"seq"`             // of the last report
	Final  *api.Report `json:"final,omitempty"` // nil while in progress
}

// ledger remembers the orders of this boot in memory and in a file of the ramdisk's /run, which the agent
// outlives when it is started anew.
type ledger struct {
	mu      sync.Mutex
	path    string
	Session *api.SessionReply `json:"session,omitempty"`
	Orders  map[string]*entry `json:"orders"`
}

// openLedger reads what an earlier run of this boot left, if there is anything.
func openLedger(dir string) (*ledger, error) {
	l := &ledger{Orders: map[string]*entry{}}
	if dir == "" {
		return l, nil
	}
	l.path = filepath.Join(dir, "ledger.json")
	raw, err := os.ReadFile(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return l, os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ledger of orders: %w", err)
	}
	if err := json.Unmarshal(raw, l); err != nil {
		return nil, fmt.Errorf("reading the ledger of orders: %w", err)
	}
	if l.Orders == nil {
		l.Orders = map[string]*entry{}
	}
	return l, nil
}

// change makes a change and saves the ledger, whole or not at all.
func (l *ledger) change(fn func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn()
	if l.path == "" {
		return nil
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("writing the ledger of orders: %w", err)
	}
	tmp := l.path + ".new"
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return fmt.Errorf("writing the ledger of orders: %w", err)
	}
	return os.Rename(tmp, l.path)
}

// contentsOf is a digest of everything an order says but its ID; spaces and the order of JSON members do not
// matter, as a database may change them.
func contentsOf(o api.Order) string {
	var params any
	dec := json.NewDecoder(bytes.NewReader(o.Params))
	dec.UseNumber()
	if dec.Decode(&params) != nil {
		params = string(o.Params)
	}
	raw, _ := json.Marshal([]any{o.Kind, o.Session, o.Serial, params}) // what was decoded can be encoded
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
