package bmc

import (
	"context"
	"fmt"
	"io"
)

// Subscription is what a controller is to do with its events.
type Subscription struct {
	Destination string // URL that they are posted to
	Context     string // comes with each; begins with Owner
	Owner       string // by which our subscriptions are known among those of others
}

// teller is a protocol by which controllers tell of events.
type teller interface {
	// stream is the controller's stream of events.
	stream(ctx context.Context, t Target) (io.ReadCloser, error)
	// subscribe makes it post events, unless it does; made tells which.
	subscribe(ctx context.Context, t Target, s Subscription) (made bool, err error)
	// unsubscribe takes back all subscriptions of an owner.
	unsubscribe(ctx context.Context, t Target, owner string) error
}

func (d *direct) teller(t Target) (teller, error) {
	p, err := d.protocol(t)
	if err != nil {
		return nil, err
	}
	if x, ok := p.(teller); ok {
		return x, nil
	}
	return nil, fmt.Errorf("%w: over %s no controller tells of events", ErrUnsupported, t.Protocol)
}

// Subscribe makes a controller post its events. Called again, it sees whether that is still in force: a subscription that
// the controller has suspended, and what is left of ours from earlier, is deleted. made tells whether it was made anew.
func (d *Driver) Subscribe(ctx context.Context, t Target, s Subscription) (made bool, err error) {
	return call(ctx, d, t, op{doing: "subscribing to the events of", limit: d.opts.WriteTimeout}, func(ctx context.Context) (bool, error) {
		x, err := d.plain.teller(t)
		if err != nil {
			return false, err
		}
		return x.subscribe(ctx, t, s)
	})
}

// Unsubscribe takes back all subscriptions of an owner.
func (d *Driver) Unsubscribe(ctx context.Context, t Target, owner string) error {
	_, err := call(ctx, d, t, op{doing: "ending the subscription to the events of", limit: d.opts.WriteTimeout}, func(ctx context.Context) (struct{}, error) {
		x, err := d.plain.teller(t)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, x.unsubscribe(ctx, t, owner)
	})
	return err
}

// Listen calls open once the controller's stream of events is open, and hear for each of them, until ctx or the stream
// ends; it returns nil then, and an error when the stream could not be opened: ErrUnsupported where there is none. It
// holds a session of its own and no turn meanwhile.
func (d *Driver) Listen(ctx context.Context, t Target, open func(), hear func(Notice)) error {
	var made handOver
	stream, err := call(ctx, d, t, op{doing: "listening to the events of", limit: d.opts.ReadTimeout}, func(ctx context.Context) (io.ReadCloser, error) {
		x, err := d.plain.teller(t)
		if err != nil {
			return nil, err
		}
		stream, err := x.stream(ctx, t)
		if err == nil {
			made.put(stream)
		}
		return stream, err
	})
	if err != nil {
		made.refuse()
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Close() })
	defer func() { stop(); _ = stream.Close() }()
	open()
	_ = readNotices(stream, hear) // how it ends makes no difference: it is opened again
	return nil
}
