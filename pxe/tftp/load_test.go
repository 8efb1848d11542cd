package tftp_test

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"socle/pxe/tftp"
	"socle/pxe/tftp/tftptest"
)

// sources are n addresses of the loopback network: everybody has 2^24 of them.
func sources(n int) (all []netip.Addr) {
	for i := range n {
		all = append(all, netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}))
	}
	return all
}

func TestManyClients(t *testing.T) {
	content := files{"loader": pattern(300_001)}
	for _, tc := range []struct {
		block, window, clients int
		lose                   float64
	}{
		{1428, 0, 200, 0},
		{1428, 16, 200, 0},
		{512, 64, 20, 0},
		{9000, 8, 20, 0},  // IP fragments what does not fit
		{65464, 2, 10, 0}, // likewise
		{1428, 1, 50, 0.01},
		{1428, 16, 50, 0.01},
		{8, 64, 2, 0.0005},
	} {
		t.Run(fmt.Sprintf("blksize %d windowsize %d lost %g", tc.block, tc.window, tc.lose), func(t *testing.T) {
			addr, r := serve(t, tftp.Options{Open: content.open, Rules: []tftp.Rule{{Block: 65464}}})
			res, err := tftptest.Load{Server: addr, Sources: sources(tc.clients), File: "loader", Want: content["loader"], Clients: tc.clients,
				BlockSize: tc.block, Window: tc.window, Lose: tc.lose, Seed: 7, GiveUp: 40}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if res.Transfers != tc.clients {
				t.Errorf("%d of %d transfers are complete", res.Transfers, tc.clients)
			}
			v := r.await(t, "loader", tftp.Complete)
			if v.BlockSize != tc.block || v.Window != max(tc.window, 1) {
				t.Errorf("%+v", v)
			}
			t.Logf("%s, %d repetitions by clients, %d blocks in vain", res.Elapsed, res.Repeats, res.Extra)
		})
	}
}

// More than 65535 blocks: the numbers begin again.
func TestRollover(t *testing.T) {
	content := files{"loader": pattern(8*70_000 + 3)}
	addr, r := serve(t, tftp.Options{Open: content.open})
	for _, window := range []int{1, 32} {
		if _, err := (tftptest.Load{Server: addr, File: "loader", Want: content["loader"], Clients: 1, BlockSize: 8, Window: window}).Run(t.Context()); err != nil {
			t.Fatalf("windowsize %d: %v", window, err)
		}
	}
	r.await(t, "loader", tftp.Complete)
}

// Ten thousand requests of clients that never say another word, from as many addresses: memory and goroutines
// stay bounded, honest clients still get their file, and afterwards everything is as before.
func TestHalfOpenFlood(t *testing.T) {
	content := files{"loader": pattern(100_000)}
	addr, r := serve(t, tftp.Options{Open: content.open, Timeout: 500 * time.Millisecond})
	honest := tftptest.Load{Server: addr, Sources: []netip.Addr{netip.MustParseAddr("127.9.9.9")}, File: "loader", Want: content["loader"], Clients: 4, BlockSize: 1428, Window: 8}
	if _, err := honest.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, heapBefore := runtime.NumGoroutine(), heap()
	for i, from := range sources(10_000) {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: from.AsSlice()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		request := "\x00\x01loader\x00octet\x00blksize\x001000\x00"
		if i%4 == 3 {
			request = "\x00\x01loader\x00octet\x00" // the library's part
		}
		if _, err := c.WriteToUDPAddrPort([]byte(request), addr); err != nil {
			t.Fatal(err)
		}
		if n := runtime.NumGoroutine(); i%100 == 0 && n > before+1024+50 {
			t.Fatalf("%d goroutines, and %d before", n, before)
		}
	}
	if grown := heap() - heapBefore; grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	honest.Wait, honest.GiveUp = 300*time.Millisecond, 60
	for {
		// While every place is taken an honest client is told so, and comes again, as firmware does.
		if _, err := honest.Run(t.Context()); err == nil {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("honest clients get nothing")
		}
	}
	r.await(t, "loader", tftp.Stalled)
	r.await(t, "loader", tftp.Busy)
	deadline := time.Now().Add(20 * time.Second)
	for runtime.NumGoroutine() > before+5 { // a client is given up after six waits
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left, %d were there before", runtime.NumGoroutine(), before)
		}
		runtime.Gosched()
	}
	if _, err := honest.Run(t.Context()); err != nil {
		t.Errorf("after the flood: %v", err)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
