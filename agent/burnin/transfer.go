package burnin

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// part runs one part of the test. It returns how fast this one and the other one received, in bit/s; 0 for who only sent.
func (m *meeting) part(ctx context.Context, part byte, d time.Duration) (mine, theirs float64, err error) {
	conns, err := m.open(ctx, part)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	if err != nil {
		return 0, 0, err
	}
	dialer := m.dial != nil
	sends := part == bothWays || dialer == (part == onlyDialer)
	receives := part == bothWays || !sends
	rate, err := transfer(ctx, conns, sends, d)
	if err != nil {
		return 0, 0, err
	}
	if !receives {
		rate = 0
	}
	theirs, err = m.exchange(rate)
	return rate, theirs, err
}

// open makes the connections of a part. Who dialled says when all are there, and who listened that it goes: both begin then.
func (m *meeting) open(ctx context.Context, part byte) (conns []net.Conn, err error) {
	soon, cancel := context.WithTimeout(ctx, meetTime)
	defer cancel()
	for range streams {
		var c net.Conn
		if m.dial != nil {
			c, err = m.call(soon, part)
		} else {
			c, err = m.await(soon, part)
		}
		if err != nil {
			return conns, err
		}
		conns = append(conns, c)
	}
	word := []byte{part}
	if m.dial != nil {
		err = m.say(word)
	}
	if err == nil {
		err = m.hear(word, meetTime)
	}
	if err == nil && m.dial == nil {
		err = m.say(word)
	}
	if err == nil && word[0] != part {
		err = fmt.Errorf("it is at part %d, and this one at part %d", word[0], part)
	}
	return conns, err
}

func (m *meeting) say(b []byte) error {
	_ = m.control.SetDeadline(time.Now().Add(meetTime)) // the write tells
	_, err := m.control.Write(b)
	return err
}

func (m *meeting) hear(b []byte, within time.Duration) error {
	_ = m.control.SetDeadline(time.Now().Add(within)) // the read tells
	_, err := io.ReadFull(m.control, b)
	return err
}

// exchange tells the other one how fast it was received, and hears the same.
func (m *meeting) exchange(mine float64) (theirs float64, err error) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], math.Float64bits(mine))
	if err := m.say(b[:]); err != nil {
		return 0, err
	}
	if err := m.hear(b[:], drainTime); err != nil {
		return 0, err
	}
	theirs = math.Float64frombits(binary.BigEndian.Uint64(b[:]))
	if math.IsNaN(theirs) || math.IsInf(theirs, 0) || theirs < 0 {
		return 0, errors.New("it told a speed that is no number")
	}
	return theirs, nil
}

// transfer sends for a time, if it is to, and receives until the other one ends; it returns how fast it received.
func transfer(ctx context.Context, conns []net.Conn, sends bool, d time.Duration) (rate float64, err error) {
	var (
		all    sync.WaitGroup
		bytes  atomic.Int64
		failed = make(chan error, 2*len(conns))
	)
	begun := time.Now()
	end := begun.Add(d)
	for _, c := range conns {
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		defer stop()
		_ = c.SetDeadline(end.Add(drainTime)) // the transfers tell
		if t, ok := c.(interface{ SetWriteBuffer(bytes int) error }); ok {
			_ = t.SetWriteBuffer(sendBytes) // without it the end comes later, and nothing else
		}
		all.Go(func() {
			if err := send(ctx, c, sends, end); err != nil {
				failed <- fmt.Errorf("sending: %w", err)
			}
		})
		all.Go(func() {
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, chunkBytes))
			bytes.Add(n)
			if err != nil {
				failed <- fmt.Errorf("receiving: %w", err)
			}
		})
	}
	all.Wait()
	took := time.Since(begun)
	select {
	case err = <-failed:
	default:
	}
	return float64(bytes.Load()) * 8 / max(took.Seconds(), 1e-9), err
}

// send fills a connection until a time, and says that nothing more comes.
func send(ctx context.Context, c net.Conn, fill bool, end time.Time) error {
	b := make([]byte, chunkBytes)
	for fill && time.Now().Before(end) && ctx.Err() == nil {
		if _, err := c.Write(b); err != nil {
			return err
		}
	}
	t, ok := c.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("its end cannot be told on this connection")
	}
	return t.CloseWrite()
}
