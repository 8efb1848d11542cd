// Command bmc measures how long it takes to ask many BMCs for the power of their servers: with our driver, with
// ipmitool in a loop, and with FreeIPMI's ipmipower. `make bench-bmc` runs it.
//
// The controllers are go-ipmi's own, in a process of their own, each at its own address of a network namespace that
// ends with this process. They take a while for each answer, as real ones do.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"socle/bench/document"
	"socle/internal/netns"
)

// What the controllers let in. It is theirs alone.
const (
	user     = "admin"
	password = "bench-Pa55"
)

// The main thread stays with the main goroutine: what it starts ends with it.
func init() { runtime.LockOSThread() }

type options struct {
	bmcs     int
	rounds   int
	delay    time.Duration
	markdown string
	commit   string
}

func main() {
	var o options
	serve := flag.Bool("serve", false, "be the controllers (for this program itself)")
	flag.IntVar(&o.bmcs, "bmcs", 200, "how many controllers")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each way has its turn")
	flag.DurationVar(&o.delay, "delay", 20*time.Millisecond, "how long a controller thinks before each answer")
	flag.StringVar(&o.markdown, "markdown", "", "file whose part between the marks of this program is written anew")
	flag.StringVar(&o.commit, "commit", "unknown", "what is measured, for the document")
	flag.Parse()
	run := measure
	if *serve {
		run = serveAll
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "bench-bmc:", err)
		os.Exit(1)
	}
}

// enterNamespace moves this process into a network namespace of its own, with a loopback.
func enterNamespace(ctx context.Context) error {
	if err := netns.Enter(); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("ip link set lo up: %w: %s", err, out)
	}
	return nil
}

// address is that of the nth controller.
func address(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 2, byte(n / 250), byte(n%250 + 1)})
}

// way is one way of asking them all. It returns how many said that the power is off, which it is everywhere.
type way struct {
	name string
	ask  func(ctx context.Context, o options) (int, error)
}

func measure(ctx context.Context, o options) error {
	if err := enterNamespace(ctx); err != nil {
		return err
	}
	stop, err := startControllers(ctx, o)
	if err != nil {
		return err
	}
	defer stop()
	ways := []way{{"Socle", ours}, {"ipmipower (FreeIPMI)", ipmipower}, {"ipmitool in a loop", ipmitool}}
	took := make([][]time.Duration, len(ways))
	for round := range o.rounds {
		for i := range ways {
			if round%2 == 1 {
				i = len(ways) - 1 - i // there and back: a trend favours nobody
			}
			start := time.Now()
			n, err := ways[i].ask(ctx, o)
			if err != nil {
				return fmt.Errorf("%s: %w", ways[i].name, err)
			}
			if n != o.bmcs {
				return fmt.Errorf("%s: %d of %d controllers answered", ways[i].name, n, o.bmcs)
			}
			took[i] = append(took[i], time.Since(start))
			fmt.Printf("  %-24s %v\n", ways[i].name, time.Since(start).Round(time.Millisecond))
		}
	}
	return report(o, ways, took)
}

// startControllers starts them in a process of their own and waits until all listen.
func startControllers(ctx context.Context, o options) (stop func(), err error) {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-serve", fmt.Sprintf("-bmcs=%d", o.bmcs), fmt.Sprintf("-delay=%s", o.delay))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the controllers: %w", err)
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	if line, err := bufio.NewReader(out).ReadString('\n'); line != ready {
		stop()
		return nil, fmt.Errorf("starting the controllers: %q, %w", line, err)
	}
	return stop, nil
}

// ready is what the controllers' process says once all of them listen.
const ready = "ready\n"

// report prints the medians, and writes them into the document.
func report(o options, ways []way, took [][]time.Duration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Aim: at least 10 × as fast as ipmitool in a loop, and ahead of ipmipower. Commit %s, %s; %d controllers that think %v before each answer; medians of %d turns, the ratios are medians of the rounds'.\n\n",
		o.commit, time.Now().UTC().Format(time.DateOnly), o.bmcs, o.delay, o.rounds)
	b.WriteString("| way | seconds | ours × |\n| --- | --- | --- |\n")
	for i, w := range ways {
		ratio := ""
		if i > 0 {
			var all []float64
			for r := range took[i] {
				all = append(all, took[i][r].Seconds()/took[0][r].Seconds())
			}
			slices.Sort(all)
			ratio = fmt.Sprintf("%.2f", all[len(all)/2])
		}
		slices.Sort(took[i])
		fmt.Fprintf(&b, "| %s | %.2f | %s |\n", w.name, took[i][len(took[i])/2].Seconds(), ratio)
	}
	fmt.Print("\n" + b.String())
	if o.markdown == "" {
		return nil
	}
	return document.Rewrite(o.markdown, "bench-bmc", func(string) string { return b.String() })
}
