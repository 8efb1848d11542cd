// Command boot measures boot servers side by side: ours and the ones that others use, each alone on one end of a
// virtual cable, under the same load from the other end, in turns. `make bench-boot` runs it.
//
// It lives in two network namespaces of its own: this process and its load in one, the servers in the other.
// Nothing of the host is in its way and it leaves nothing behind. A work (see work) says what is measured and
// whom; the rest of the package knows how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"socle/bench/document"
	"socle/internal/netns"
)

// The main thread stays with the main goroutine: it starts the servers, and they end with the thread that
// started them.
func init() { runtime.LockOSThread() }

func main() {
	if len(os.Args) > 2 && os.Args[1] == "serve" {
		exit(serveOwn(os.Args[2], os.Args[3:]))
	}
	var o options
	var only string
	flag.StringVar(&o.socle, "socle", "bin/socle", "the binary to measure")
	flag.StringVar(&only, "only", "", "works and peers to measure, by parts of their names: tftp,scripts or scripts/bare; default: all")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each server has its turn")
	flag.DurationVar(&o.time, "time", 5*time.Second, "how long a turn lasts, after a fifth of it to warm up")
	flag.StringVar(&o.markdown, "markdown", "", "file whose part between the marks of this program is written anew")
	flag.StringVar(&o.commit, "commit", "unknown", "what is measured, for the document")
	flag.DurationVar(&o.soak, "soak", 0, "instead of measuring, load ours for so long at half the rate that it reaches; its memory must stay flat")
	flag.Parse()
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	exit(run(o))
}

func exit(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "bench-boot:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// options are what a run is told.
type options struct {
	socle, markdown, commit string
	only                    []string
	rounds                  int
	time, soak              time.Duration
}

// works are all that can be measured, in the order of the document.
func works() []work { return concat(dhcpWorks(), tftpWorks(), scriptWorks(), fileWorks()) }

// programs are the servers that this binary is itself, by their names: peers that are a library, and parts of
// ours that socle serve does not run alone. Each serves until it is killed.
var programs = map[string]func(args []string) error{
	"http-scripts": serveBareScripts,
	"http-files":   serveBareFiles,
}

func serveOwn(name string, args []string) error {
	p, ok := programs[name]
	if !ok {
		return fmt.Errorf("no server is called %q", name)
	}
	return p(args)
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := netns.Enter(); err != nil {
		return err
	}
	chosen := choose(works(), o.only)
	if len(chosen) == 0 {
		return fmt.Errorf("no work is called %s", strings.Join(o.only, " or "))
	}
	b, err := newBed(o.socle)
	if err != nil {
		return err
	}
	defer b.close()
	if o.soak > 0 {
		for _, w := range chosen {
			fmt.Printf("\n%s, for %s\n", w.name, o.soak)
			if err := soak(ctx, b, w, o.soak); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
		return nil
	}
	var measured []measurement
	for _, w := range chosen {
		fmt.Printf("\n%s, %d turns of %s each\n", w.name, o.rounds, max(o.time, w.least))
		m, err := measure(ctx, b, w, o)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		measured = append(measured, m)
		m.print(os.Stdout)
	}
	if o.markdown == "" {
		return nil
	}
	return document.Rewrite(o.markdown, "bench-boot", func(old string) string { return tables(o, measured, old) })
}

func concat(lists ...[]work) (all []work) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// choose takes the works whose names hold one of the words, in capitals or not, and of "work/peer" only such
// peers beside ours.
func choose(all []work, only []string) (chosen []work) {
	if len(only) == 0 {
		return all
	}
	for _, w := range all {
		var peers []peer
		for i, p := range w.peers {
			if slices.ContainsFunc(only, func(o string) bool {
				name, who, _ := strings.Cut(o, "/")
				return holds(w.name, name) && (i == 0 || holds(p.name, who))
			}) {
				peers = append(peers, p)
			}
		}
		if len(peers) > 0 {
			w.peers = peers
			chosen = append(chosen, w)
		}
	}
	return chosen
}

func holds(text, word string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(word))
}
