package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"socle/agent"
	"socle/agent/disk"
	"socle/api"
	"socle/hardware"
)

// version is what the agents say of themselves.
const version = "simulated"

// agent runs the ramdisk: the agent of package agent, with hands that do nothing to disks.
func (b *boot) agent(ctx context.Context, params agent.Params) (next, error) {
	if err := b.address(ctx, asAgent); err != nil {
		return again, err
	}
	life, cancel := context.WithCancel(ctx)
	defer cancel()
	b.run.tasks.Go(func() { b.run.relay.keep(life, b.Server, b.lease, asAgent) })
	client, err := agent.NewClientBy(b.run.net.dial(b.lease.addr), params.Server, params.CA)
	if err != nil {
		return again, err
	}
	defer client.Close()
	a, err := b.agentOf(params, client, cancel)
	if err != nil {
		return again, err
	}
	outcome, err := a.Run(life)
	switch {
	case ctx.Err() == nil && life.Err() != nil: // it is the one that dies: the server stays on, and says no more
		<-ctx.Done()
		return again, context.Cause(ctx)
	case errors.Is(err, agent.ErrEnded):
		return again, nil // the real one restarts the machine, too
	case err != nil:
		return again, fmt.Errorf("the agent ended: %w", err)
	case outcome == agent.PowerOff:
		return power, nil
	}
	return again, nil
}

// agentOf makes the agent; die ends it.
func (b *boot) agentOf(params agent.Params, client *agent.Client, die func()) (*agent.Agent, error) {
	begun := time.Now()
	var first sync.Once
	return agent.New(agent.Options{
		Params: params, Client: client, BootID: uuid.NewString(), BootNIC: b.Cables[0].NIC, Version: version, Log: slog.New(slog.DiscardHandler),
		Hands:   b.hands(client),
		Collect: func(context.Context) hardware.Facts { return b.run.fleet.Facts(b.Index) },
		SetClock: func(time.Time) { // the session is open
			b.run.stats.took(AnswerSession, time.Since(begun))
			b.reach(AgentUp)
			if b.dies() {
				die()
			}
		},
		Listen: func(_ context.Context, nic string, heard func(hardware.Neighbor)) error {
			first.Do(func() { // the facts were taken just now
				b.run.stats.took(AnswerFacts, time.Since(b.mark))
				b.reach(FactsTaken)
			})
			if n, ok := b.run.fleet.Heard(b.Index, nic); ok {
				heard(n)
			}
			return nil
		},
	})
}

// dies tells whether this is the boot in which the agent is to die.
func (b *boot) dies() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Odd != AgentDies || b.died {
		return false
	}
	b.died = true
	return true
}

// hands are what the orders do that change a real machine.
func (b *boot) hands(images disk.Source) map[string]agent.Hand {
	hands := map[string]agent.Hand{
		api.OrderWriteImage: func(ctx context.Context, o api.Order, progress func(done, total, wire int64)) (any, error) {
			return b.writeImage(ctx, images, o, progress)
		},
		api.OrderPrepareDisk: b.nothing,
		api.OrderSeed:        b.seed,
		api.OrderBootEntry:   b.nothing,
		api.OrderBurnIn:      b.burnIn,
	}
	for kind, hand := range hands {
		hands[kind] = func(ctx context.Context, o api.Order, progress func(done, total, wire int64)) (any, error) {
			result, err := hand(ctx, o, progress)
			if b.run.stats.count(OrdersDone); err != nil {
				b.run.stats.count(OrdersFailed)
			}
			return result, err
		}
	}
	return hands
}

func (b *boot) nothing(context.Context, api.Order, func(int64, int64, int64)) (any, error) {
	return nil, nil
}

// writeImage fetches the image as a real agent does, or only its index, and says that it was written.
func (b *boot) writeImage(ctx context.Context, images disk.Source, o api.Order, progress func(done, total, wire int64)) (any, error) {
	var w api.WriteImage
	if err := json.Unmarshal(o.Params, &w); err != nil {
		return nil, &disk.Failure{Code: api.CodeBadParams, Err: err}
	}
	begun := time.Now()
	index, err := readIndex(ctx, images, w.Image)
	if err != nil {
		return nil, err
	}
	result := api.WriteResult{Bytes: index.Size}
	for n, c := range index.Chunks {
		size := min(index.ChunkSize, index.Size-int64(n)*index.ChunkSize)
		if c.Zero {
			result.Zero += size
			continue
		}
		result.Written += size
		if b.run.ImageBytes {
			wire, err := discard(ctx, images, c.SHA256)
			if err != nil {
				return nil, err
			}
			result.Wire += wire
			b.run.stats.add(ChunkBytes, wire)
		}
		if err := b.write(ctx, size); err != nil {
			return nil, err
		}
		progress(int64(n)*index.ChunkSize, index.Size, result.Wire)
	}
	progress(index.Size, index.Size, result.Wire)
	result.Millis = time.Since(begun).Milliseconds()
	b.reach(ImageWritten)
	return result, nil
}

// slowDisk is how fast a slow disk writes, in bytes a second.
const slowDisk = 5_000_000

// write takes the time that a slow disk takes to write so many bytes; the others take none.
func (b *boot) write(ctx context.Context, bytes int64) error {
	if b.Odd != SlowDisk {
		return nil
	}
	return sleep(ctx, time.Duration(bytes)*time.Second/slowDisk)
}

// maxIndex bounds an image's index, in bytes.
const maxIndex = 64 << 20

func readIndex(ctx context.Context, images disk.Source, digest string) (ix api.Index, err error) {
	r, err := images.Index(ctx, digest)
	if err != nil {
		return ix, err
	}
	defer func() { _ = r.Close() }()
	if err := json.NewDecoder(io.LimitReader(r, maxIndex)).Decode(&ix); err != nil {
		return ix, fmt.Errorf("reading the index of image %s: %w", digest, err)
	}
	if ix.ChunkSize <= 0 {
		return ix, fmt.Errorf("reading the index of image %s: its chunks have %d bytes", digest, ix.ChunkSize)
	}
	return ix, nil
}

// discard fetches a chunk and throws it away.
func discard(ctx context.Context, images disk.Source, sum string) (int64, error) {
	r, err := images.Chunk(ctx, sum)
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	return io.Copy(io.Discard, r)
}
