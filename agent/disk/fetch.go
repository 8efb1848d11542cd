package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

var errTooLarge = errors.New("larger than it may be")

// fetchAll reads a whole answer of at most limit bytes. A connection that fails is tried again, with pauses
// that grow to 5 s, until ctx ends; wire counts the bytes of all tries.
func fetchAll(ctx context.Context, limit int64, open func(context.Context) (io.ReadCloser, error)) (data []byte, wire int64, err error) {
	pause := 200 * time.Millisecond
	for {
		data, err = fetchOnce(ctx, limit, open)
		wire += int64(len(data))
		if err == nil || errors.Is(err, ErrPermanent) || errors.Is(err, errTooLarge) {
			return data, wire, err
		}
		select {
		case <-ctx.Done():
			return nil, wire, fmt.Errorf("%w (last error: %w)", context.Cause(ctx), err)
		case <-time.After(pause):
		}
		pause = min(pause*2, 5*time.Second)
	}
}

func fetchOnce(ctx context.Context, limit int64, open func(context.Context) (io.ReadCloser, error)) ([]byte, error) {
	body, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return data, err
}
