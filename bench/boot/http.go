package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// hammer asks on n connections, one request after the other on each, for about d. ask appends a request and
// says how its answer is checked. It does less than a real HTTP client would, because it shares the machine
// with the server that is measured.
func hammer(ctx context.Context, n int, d time.Duration, ask func(*rand.Rand, []byte) ([]byte, func(head, body []byte) error)) (result, error) {
	start := time.Now()
	end := start.Add(d)
	counts := make([]int, n)
	group, ctx := errgroup.WithContext(ctx)
	for i := range n {
		group.Go(func() error {
			c, err := dial(ctx, httpPort, end.Add(10*time.Second))
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			dice := rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // chance for a load, the same in each run
			in := bufio.NewReaderSize(c, 8<<10)
			var req, body []byte
			for time.Now().Before(end) && ctx.Err() == nil {
				var check func(head, body []byte) error
				req, check = ask(dice, req[:0])
				if _, err := c.Write(req); err != nil {
					return fmt.Errorf("asking: %w", err)
				}
				head, length, err := readHead(in)
				if err != nil {
					return err
				}
				if cap(body) < length {
					body = make([]byte, length)
				}
				body = body[:length]
				if _, err := io.ReadFull(in, body); err != nil {
					return fmt.Errorf("reading an answer: %w", err)
				}
				if err := check(head, body); err != nil {
					return err
				}
				counts[i]++
			}
			return ctx.Err()
		})
	}
	err := group.Wait()
	r := result{elapsed: time.Since(start)}
	for _, c := range counts {
		r.done += float64(c)
	}
	return r, err
}

func dial(ctx context.Context, port int, deadline time.Time) (*net.TCPConn, error) {
	c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(serverAddr, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), c.SetDeadline(deadline)
}

// readHead reads the head of an answer with status 200, and how long its body is. The head holds until the next
// read.
func readHead(in *bufio.Reader) (head []byte, length int, err error) {
	for n := 256; ; n = min(n*2, in.Size()) {
		if _, err := in.Peek(1); err != nil {
			return nil, 0, fmt.Errorf("reading an answer: %w", err)
		}
		head, _ = in.Peek(in.Buffered())
		if i := bytes.Index(head, []byte("\r\n\r\n")); i >= 0 {
			head = head[:i+4]
			break
		}
		if in.Buffered() == in.Size() {
			return nil, 0, errors.New("the head of an answer is too long")
		}
		if _, err := in.Peek(in.Buffered() + 1); err != nil {
			return nil, 0, fmt.Errorf("reading an answer: %w", err)
		}
	}
	_, rest, found := bytes.Cut(head, []byte("\r\nContent-Length: "))
	if !found || !bytes.HasPrefix(head, []byte("HTTP/1.1 200")) {
		return nil, 0, fmt.Errorf("no answer with status 200 and a length: %q", head)
	}
	digits, _, _ := bytes.Cut(rest, []byte("\r"))
	if length, err = strconv.Atoi(string(digits)); err != nil || length < 0 || length > 1<<30 {
		return nil, 0, fmt.Errorf("no length: %q", digits)
	}
	head = bytes.Clone(head) // the body's bytes come into the same buffer
	_, err = in.Discard(len(head))
	return head, length, err
}
