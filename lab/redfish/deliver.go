package redfish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// How events are delivered (schema EventService, DeliveryRetryAttempts and DeliveryRetryIntervalSeconds).
const (
	deliveryAttempts = 3
	deliveryPause    = time.Second
	deliveryTimeout  = 5 * time.Second
	maxQueue         = 64 // events that wait for a receiver; those after are lost
)

// post queues an event for a subscriber. Its worker runs only while there is something to send, so that many
// controllers cost nothing when nothing happens. The caller holds the lock.
func (b *BMC) post(s *subscription, o object) {
	text, err := json.Marshal(o)
	if err != nil || len(s.queue) >= maxQueue {
		return
	}
	s.queue = append(s.queue, text)
	if !s.busy {
		s.busy = true
		b.spawn(func() { b.deliver(s) })
	}
}

// deliver sends what waits, in order.
func (b *BMC) deliver(s *subscription) {
	for {
		b.mu.Lock()
		if len(s.queue) == 0 || s.state != "Enabled" || b.ctx.Err() != nil {
			s.queue, s.busy = nil, false
			b.mu.Unlock()
			return
		}
		text, verify := s.queue[0], s.verify
		s.queue = s.queue[1:]
		b.mu.Unlock()
		if err := b.attempt(s.destination, text, verify); err != nil && b.ctx.Err() == nil {
			b.log.Info("event not delivered; subscription suspended", "destination", s.destination, "error", err)
			b.mu.Lock()
			s.state = "Disabled"
			b.mu.Unlock()
		}
	}
}

// attempt tries one event as often as the service says.
func (b *BMC) attempt(to string, text []byte, verify bool) error {
	client := outgoing(deliveryTimeout, verify)
	for n := 1; ; n++ {
		err := b.postOnce(client, to, text)
		if err == nil || n == deliveryAttempts {
			return err
		}
		t := time.NewTimer(deliveryPause)
		select {
		case <-t.C:
		case <-b.ctx.Done():
			t.Stop()
			return b.ctx.Err()
		}
	}
}

func (b *BMC) postOnce(client *http.Client, to string, text []byte) error {
	req, err := http.NewRequestWithContext(b.ctx, http.MethodPost, to, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s", to, resp.Status)
	}
	return nil
}
