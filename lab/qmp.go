package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// qmp is a connection to QEMU's control socket (QEMU Machine Protocol, docs/interop/qmp-spec).
type qmp struct {
	conn    net.Conn
	replies chan qmpMessage
	done    chan struct{} // closed when the connection is gone
	mu      sync.Mutex    // one command at a time
}

type qmpMessage struct {
	Event  string          `json:"event"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
	Greeting json.RawMessage `json:"QMP"`
}

var errQMPGone = errors.New("QEMU closed its control socket")

// dialQMP connects, retrying until QEMU has made the socket or ctx ends, and leaves negotiation mode. onEvent is
// called for every event, from one goroutine, and must not issue commands itself.
func dialQMP(ctx context.Context, path string, onEvent func(name string)) (*qmp, error) {
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "unix", path)
		if err == nil {
			q := &qmp{conn: conn, replies: make(chan qmpMessage), done: make(chan struct{})}
			go q.read(onEvent)
			if _, err := q.do(ctx, "qmp_capabilities", nil); err != nil {
				_ = conn.Close()
				return nil, fmt.Errorf("negotiating with QEMU at %s: %w", path, err)
			}
			return q, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connecting to QEMU at %s: %w", path, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (q *qmp) read(onEvent func(string)) {
	defer close(q.done)
	dec := json.NewDecoder(q.conn)
	for {
		var m qmpMessage
		if err := dec.Decode(&m); err != nil {
			_ = q.conn.Close()
			return
		}
		switch {
		case m.Event != "":
			onEvent(m.Event)
		case m.Greeting != nil:
		default:
			select {
			case q.replies <- m:
			case <-time.After(time.Second): // nobody waits any more for an answer that came too late
			}
		}
	}
}

// do carries out one command and returns its answer.
func (q *qmp) do(ctx context.Context, command string, arguments any) (json.RawMessage, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req := map[string]any{"execute": command}
	if arguments != nil {
		req["arguments"] = arguments
	}
	text, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	_ = q.conn.SetWriteDeadline(deadline)
	if _, err := q.conn.Write(append(text, '\n')); err != nil {
		return nil, fmt.Errorf("sending %s: %w", command, err)
	}
	select {
	case m := <-q.replies:
		if m.Error != nil {
			return nil, fmt.Errorf("%s: %s: %s", command, m.Error.Class, m.Error.Desc)
		}
		return m.Return, nil
	case <-q.done:
		return nil, fmt.Errorf("%s: %w", command, errQMPGone)
	case <-ctx.Done():
		// A late answer would be taken for the next command's: the connection is of no use any more.
		_ = q.conn.Close()
		return nil, fmt.Errorf("%s: no answer from QEMU: %w", command, ctx.Err())
	}
}

// setBootOrder gives the devices their places for the next reset. QEMU refuses an index that is taken, so all are
// cleared first.
func (q *qmp) setBootOrder(ctx context.Context, order []string) error {
	set := func(id string, index int) error {
		_, err := q.do(ctx, "qom-set", map[string]any{"path": "/machine/peripheral/" + id, "property": "bootindex", "value": index})
		return err
	}
	for _, id := range order {
		if err := set(id, -1); err != nil {
			return fmt.Errorf("clearing boot order: %w", err)
		}
	}
	for _, id := range order {
		if err := set(id, bootIndex(order, id)); err != nil {
			return fmt.Errorf("setting boot order: %w", err)
		}
	}
	return nil
}

func (q *qmp) close() { _ = q.conn.Close(); <-q.done }
