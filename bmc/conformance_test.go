package bmc_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
	"socle/lab/redfish"
)

// peer is a controller that really listens, and what the test can do behind its back.
type peer struct {
	target bmc.Target
	info   bmc.Info
	hang   func(t *testing.T)          // from now on it accepts packets and never answers
	wake   func(t *testing.T)          // ends hang
	ignore func(t *testing.T)          // from now on it accepts changes and does nothing
	done   func(t *testing.T) []string // what the server was made to do: "on", "off", "reset", "soft"
	boot   func(t *testing.T) string   // the device of the next boot: "pxe", "disk" or ""
	vitals vitals
	once   bool                          // it keeps boot devices for the next boot only
	silent func(t *testing.T) bmc.Target // an address where something listens and never says a word
}

// password of all peers; no error may ever hold it.
const password = "s3cret-Pa55"

// quick bounds are for what is not there, so that waiting for it is short.
var quick = bmc.Options{
	ReadTimeout: 1500 * time.Millisecond, WriteTimeout: 4 * time.Second, Settle: 1500 * time.Millisecond,
	BootSettle: 700 * time.Millisecond, OffTime: 50 * time.Millisecond, Alive: time.Second,
	VitalsTimeout: 4 * time.Second, ResetTimeout: 4 * time.Second, AwayTime: 500 * time.Millisecond,
}

// usual bounds are for what is there, however busy this host is; the servers of the peers follow after 300 ms.
var usual = bmc.Options{
	ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, VitalsTimeout: 2 * time.Minute, ResetTimeout: 2 * time.Minute,
	Settle: time.Minute, BootSettle: time.Minute, OffTime: 50 * time.Millisecond, AwayTime: 2 * time.Second, Burst: 1000, Alive: quick.Alive,
}

// brief bounds are usual ones for what answers and does nothing: that is soon believed.
var brief = bmc.Options{
	ReadTimeout: usual.ReadTimeout, WriteTimeout: usual.WriteTimeout, VitalsTimeout: usual.VitalsTimeout,
	Settle: quick.Settle, BootSettle: quick.BootSettle, Burst: usual.Burst,
}

// peers are the controllers that the suite runs on: the emulator in the shape of each maker, ipmi_sim, and go-ipmi's own
// in this process.
func peers() map[string]func(*testing.T) *peer {
	all := map[string]func(*testing.T) *peer{"ipmi_sim": startIPMI, "own": startOwn}
	for _, name := range redfish.Shapes() {
		all[name] = func(t *testing.T) *peer { p, _, _ := shapedPeer(t, name); return p }
	}
	return all
}

// TestConformance runs one suite against every kind of controller, over real sockets.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, start := range peers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range []struct {
				name string
				run  func(*testing.T, *bmc.Driver, *peer)
			}{
				{"probe", testProbe},
				{"power", testPower},
				{"reset", testReset},
				{"soft", testSoft},
				{"next boot", testNextBoot},
				{"wrong password", testWrongPassword},
				{"wrong user", testWrongUser},
				{"dead address", testDead},
				{"silent address", testSilent},
				{"hanging", testHanging},
				{"power read-back", testPowerReadBack},
				{"boot read-back", testBootReadBack},
				{"concurrent", testConcurrent},
				{"given up", testGivenUp},
				{"accounts", testAccounts},
				{"sensors", testSensors},
				{"faults of parts", testPartFaults},
				{"event log", testEventLog},
				{"vitals", testVitals},
				{"firmware", testFirmware},
				{"locator", testLocator},
				{"restart", testRestart},
				{"nmi", testNMI},
				{"media", testMedia},
				{"boot override", testOverride},
			} {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, bmc.New(usual), start(t))
				})
			}
		})
	}
}

func testProbe(t *testing.T, d *bmc.Driver, p *peer) {
	got, err := d.Probe(t.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.info, got); diff != "" {
		t.Error(diff)
	}
}

func testPower(t *testing.T, d *bmc.Driver, p *peer) {
	setPower(t, d, p, bmc.Off, inventory.PowerOff) // off already: nothing is done
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	setPower(t, d, p, bmc.On, inventory.PowerOn) // on already
	setPower(t, d, p, bmc.Cycle, inventory.PowerOn)
	setPower(t, d, p, bmc.Off, inventory.PowerOff)
	setPower(t, d, p, bmc.Cycle, inventory.PowerOn) // off already: it is only switched on
	if diff := cmp.Diff([]string{"on", "off", "on", "off", "on"}, p.done(t)); diff != "" {
		t.Error(diff)
	}
}

func setPower(t *testing.T, d *bmc.Driver, p *peer, a bmc.Action, want inventory.Power) {
	t.Helper()
	got, err := d.SetPower(t.Context(), p.target, a)
	if err != nil || got != want {
		t.Fatalf("%s: power %q, %v; want %q", a, got, err, want)
	}
	if got, err := d.Power(t.Context(), p.target); err != nil || got != want {
		t.Fatalf("after %s: power %q, %v; want %q", a, got, err, want)
	}
}

func testReset(t *testing.T, d *bmc.Driver, p *peer) {
	_, err := d.SetPower(t.Context(), p.target, bmc.Reset)
	mustBe(t, err, bmc.ErrUnsupported, "the server is off")
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	setPower(t, d, p, bmc.Reset, inventory.PowerOn)
	if diff := cmp.Diff([]string{"on", "reset"}, p.done(t)); diff != "" {
		t.Error(diff)
	}
}

func testSoft(t *testing.T, d *bmc.Driver, p *peer) {
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	if _, err := d.SetPower(t.Context(), p.target, bmc.Soft); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		if got, err := d.Power(t.Context(), p.target); err != nil {
			t.Fatal(err)
		} else if got == inventory.PowerOff {
			if diff := cmp.Diff([]string{"on", "soft"}, p.done(t)); diff != "" {
				t.Error(diff)
			}
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("still on")
}

func testNextBoot(t *testing.T, d *bmc.Driver, p *peer) {
	for _, c := range []struct {
		device bmc.Device
		uefi   bool
	}{
		{bmc.BootPXE, true}, {bmc.BootDisk, true}, {bmc.BootPXE, false}, {bmc.BootDisk, false},
	} {
		if err := nextBoot(t.Context(), d, p.target, c.device, c.uefi); err != nil {
			t.Fatalf("%s, uefi %v: %v", c.device, c.uefi, err)
		}
		if got := p.boot(t); got != string(c.device) {
			t.Errorf("%s, uefi %v: the server would boot from %q", c.device, c.uefi, got)
		}
	}
}

// nextBoot chooses what the server boots next time, once.
func nextBoot(ctx context.Context, d *bmc.Driver, to bmc.Target, device bmc.Device, uefi bool) error {
	_, err := d.SetOverride(ctx, to, bmc.Override{Device: device, UEFI: uefi})
	return err
}

func testWrongPassword(t *testing.T, d *bmc.Driver, p *peer) {
	p.target.Password = secret.New("not" + password)
	everyCall(t, d, p.target, func(t *testing.T, err error) { mustBe(t, err, bmc.ErrAuth, "check the user and the password") })
	p.target.Password = secret.New(strings.Repeat("long", 10))
	if _, err := d.Power(t.Context(), p.target); !errors.Is(err, bmc.ErrAuth) {
		t.Errorf("with a password that is too long: %v", err)
	}
}

func testWrongUser(t *testing.T, d *bmc.Driver, p *peer) {
	p.target.User = "nobody"
	_, err := d.Power(t.Context(), p.target)
	mustBe(t, err, bmc.ErrAuth, `"nobody"`)
}

// testDead speaks to a port where nobody listens.
func testDead(t *testing.T, d *bmc.Driver, p *peer) {
	p.target.Address = net.JoinHostPort(ownHost(), "623")
	everyCall(t, d, p.target, func(t *testing.T, err error) { mustBe(t, err, bmc.ErrUnreachable, p.target.Address) })
}

func testSilent(t *testing.T, _ *bmc.Driver, p *peer) {
	everyCallAtOnce(t, p.silent(t), func(t *testing.T, err error) {
		mustBe(t, err, bmc.ErrUnreachable, "check the BMC's address")
		tooSlow(t, err)
	})
}

// tooSlow checks that a call ended because its time was up.
func tooSlow(t *testing.T, err error) {
	t.Helper()
	mustBe(t, err, bmc.ErrUnreachable, "")
	if !strings.Contains(err.Error(), "not done within") && !strings.Contains(err.Error(), "no reply") {
		t.Error(err)
	}
}

func testHanging(t *testing.T, d *bmc.Driver, p *peer) {
	if _, err := d.Power(t.Context(), p.target); err != nil {
		t.Fatal(err)
	}
	p.hang(t)
	everyCallAtOnce(t, p.target, tooSlow)
	// The caller's own deadline is kept as well.
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	timed(t, func() error { _, err := d.Power(ctx, p.target); return err }, func(t *testing.T, err error) {
		tooSlow(t, err)
	})
	// What was given up is over: its turn is free as soon as the controller is back.
	p.wake(t)
	if _, err := d.Power(t.Context(), p.target); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

func testPowerReadBack(t *testing.T, _ *bmc.Driver, p *peer) {
	p.ignore(t)
	_, err := bmc.New(brief).SetPower(t.Context(), p.target, bmc.On)
	mustBe(t, err, bmc.ErrReadBack, "the power is off and not on")
}

func testBootReadBack(t *testing.T, _ *bmc.Driver, p *peer) {
	p.ignore(t)
	err := nextBoot(t.Context(), bmc.New(brief), p.target, bmc.BootPXE, false)
	mustBe(t, err, bmc.ErrReadBack, `not from "pxe"`)
}

// testConcurrent calls from many sides; the peers allow one session only.
func testConcurrent(t *testing.T, d *bmc.Driver, p *peer) {
	d = bmc.New(bmc.Options{ReadTimeout: usual.ReadTimeout, WriteTimeout: usual.WriteTimeout, BootSettle: usual.BootSettle})
	var all sync.WaitGroup
	for n := range 12 {
		all.Go(func() {
			var err error
			switch n % 3 {
			case 0:
				_, err = d.Power(t.Context(), p.target)
			case 1:
				_, err = d.Probe(t.Context(), p.target)
			case 2:
				err = nextBoot(t.Context(), d, p.target, bmc.BootPXE, true)
			}
			if err != nil {
				t.Errorf("call %d: %v", n, err)
			}
		})
	}
	all.Wait()
}

// testGivenUp cancels a call; the caller is free at once and the next one works.
func testGivenUp(t *testing.T, d *bmc.Driver, p *peer) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	silent := p.silent(t)
	timed(t, func() error { _, err := d.Power(ctx, silent); return err }, func(t *testing.T, err error) {
		if !errors.Is(err, context.Canceled) || errors.Is(err, bmc.ErrUnreachable) {
			t.Error(err)
		}
	})
	if _, err := d.Power(t.Context(), p.target); err != nil {
		t.Error(err)
	}
}

// calls are all methods, as functions.
func calls(ctx context.Context, d *bmc.Driver, to bmc.Target) map[string]func() error {
	return map[string]func() error{
		"Probe":       func() error { _, err := d.Probe(ctx, to); return err },
		"Power":       func() error { _, err := d.Power(ctx, to); return err },
		"SetPower":    func() error { _, err := d.SetPower(ctx, to, bmc.On); return err },
		"InsertMedia": func() error { _, err := d.InsertMedia(ctx, to, anImage); return err },
		"SetOverride": func() error { return nextBoot(ctx, d, to, bmc.BootPXE, true) },
		"Vitals":      func() error { _, err := d.Vitals(ctx, to, inventory.LogMark{}); return err },
		"Locate":      func() error { _, err := d.Locate(ctx, to, true, 0); return err },
		"ResetBMC":    func() error { return d.ResetBMC(ctx, to) },
	}
}

// everyCall makes each call once and checks its error and that it ends within its time.
func everyCall(t *testing.T, d *bmc.Driver, to bmc.Target, check func(*testing.T, error)) {
	for name, call := range calls(t.Context(), d, to) {
		t.Run(name, func(t *testing.T) { timed(t, call, check) })
	}
}

// everyCallAtOnce is everyCall where each call waits for its full time, which is short; each has a driver of its own,
// so that none waits for another.
func everyCallAtOnce(t *testing.T, to bmc.Target, check func(*testing.T, error)) {
	var all sync.WaitGroup
	for name := range calls(t.Context(), nil, to) {
		all.Go(func() {
			t.Run(name, func(t *testing.T) { timed(t, calls(t.Context(), bmc.New(quick), to)[name], check) })
		})
	}
	all.Wait()
}

// stuck is how long a call may take that should end at once or within the quick bounds: what does not end by itself takes
// longer than that, and so long no host keeps it waiting.
const stuck = 30 * time.Second

func timed(t *testing.T, call func() error, check func(*testing.T, error)) {
	t.Helper()
	start := time.Now()
	err := call()
	if took := time.Since(start); took > stuck {
		t.Errorf("took %v", took)
	}
	check(t, err)
}

// mustBe checks what an error is, that it tells about it, and that it does not tell the password.
func mustBe(t *testing.T, err, kind error, text string) {
	t.Helper()
	switch {
	case !errors.Is(err, kind):
		t.Errorf("error is not %q: %v", kind, err)
	case !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "hv01"):
		t.Errorf("error does not say %q and the machine: %v", text, err)
	case strings.Contains(err.Error(), password):
		t.Errorf("error tells the password: %v", err)
	default:
		t.Log(err)
	}
}
