package bmc_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ipmibmc "github.com/bougou/go-ipmi/pkg/bmc"
	"github.com/bougou/go-ipmi/pkg/hal"
	"github.com/bougou/go-ipmi/pkg/hal/mock"
	"github.com/bougou/go-ipmi/pkg/server"
	"github.com/bougou/go-ipmi/pkg/transport/udp"
	"github.com/bougou/go-ipmi/pkg/types"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
)

// ownController is go-ipmi's controller, in this process, with the one account of all peers.
func ownController(t testing.TB, h hal.HAL) *ipmibmc.BMC {
	t.Helper()
	b := ipmibmc.New(ipmibmc.DeviceInfo{FirmwareMajor: 2, FirmwareMinor: 0x10, IPMIVersion: 0x20}, [16]byte{}, h)
	user, err := b.Users.Add(2, "admin")
	if err != nil {
		t.Fatal(err)
	}
	user.SetPassword([]byte(password))
	user.Enabled = true
	user.ChannelAccess[1] = ipmibmc.UserChannelAccess{MaxPrivilege: ipmibmc.PrivilegeLevelAdministrator, Enabled: true}
	return b
}

// ownConn is a socket that can be told to say nothing any more.
type ownConn struct {
	*udp.Conn
	hung *atomic.Bool
}

// WriteTo implements transport.PacketConn.
func (c ownConn) WriteTo(data []byte, to net.Addr) (int, error) {
	if c.hung.Load() {
		return len(data), nil
	}
	return c.Conn.WriteTo(data, to)
}

// serveOwn lets a controller answer at an address until stop is called.
func serveOwn(t testing.TB, addr string, b *ipmibmc.BMC, hung *atomic.Bool, o ...server.ServerOption) (stop func()) {
	t.Helper()
	conn, err := udp.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	srv := server.NewServer(b, ownConn{conn, hung}, o...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ctx) }()
	return func() { cancel(); _ = srv.Close(); _ = conn.Close(); <-done }
}

// ownTarget is a new address for such a controller.
func ownTarget() bmc.Target {
	return bmc.Target{Machine: "hv01", Protocol: inventory.IPMI, Address: net.JoinHostPort(ownHost(), "623"), User: "admin", Password: secret.New(password)}
}

// chassis is the server behind a controller: it follows after 300 ms, and keeps a list of what it was made to do.
type chassis struct {
	*mock.Chassis // the boot flags

	mu       sync.Mutex
	on, next bool
	due      time.Time
	deaf     bool
	done     []string
}

// hardware is go-ipmi's, with that chassis.
type hardware struct {
	*mock.HAL
	chassis *chassis
}

// Chassis implements hal.HAL.
func (h hardware) Chassis() hal.ChassisHAL { return h.chassis }

// SetBootFlags implements hal.ChassisHAL.
func (c *chassis) SetBootFlags(ctx context.Context, f *types.BootOptionParam_BootFlags) error {
	if c.ignores() {
		return nil
	}
	return c.Chassis.SetBootFlags(ctx, f)
}

func (c *chassis) powered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.due.IsZero() && !time.Now().Before(c.due) {
		c.on, c.due = c.next, time.Time{}
	}
	return c.on
}

func (c *chassis) ignores() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deaf
}

// control is Chassis Control (IPMI 2.0 section 28.3).
func (c *chassis) control(action byte) types.CompletionCode {
	c.powered()
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[byte]string{0: "off", 1: "on", 3: "reset", 4: "nmi", 5: "soft"}
	name, ok := names[action&0x0f]
	if !ok {
		return types.CodeParameterOutOfRange
	}
	if c.deaf {
		return types.CodeOK
	}
	c.done = append(c.done, name)
	if name != "reset" && name != "nmi" {
		c.next, c.due = name == "on", time.Now().Add(300*time.Millisecond)
	}
	return types.CodeOK
}

// startOwn is go-ipmi's controller with all that the conformance suite asks for: it speaks cipher suite 17, and tells
// more of its server than ipmi_sim can.
func startOwn(t *testing.T) *peer {
	b, to := startRich(t)
	fru, err := hex.DecodeString("01000000010000fe0104" + "19c5" + hex.EncodeToString([]byte("Socle")) + "c4" + hex.EncodeToString([]byte("VR-1")) +
		"c0c0" + "c4" + hex.EncodeToString([]byte("SN-1")) + "c0c0c100000000000000d9")
	if err == nil {
		err = b.hardware.Storage().FRU().Write(t.Context(), 0, fru)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watts = 150
	b.records = [][]byte{
		sdrBytes(fullSensor(1, 0x01, 1, "Inlet", 1, [6]byte{0, 47, 42, 0, 0, 0})), sdrBytes(fullSensor(2, 0x04, 18, "Fan1", 50, [6]byte{0, 0, 0, 0, 20, 0})),
		sdrBytes(compactSensor(3, 0x08, "PSU1")),
	}
	readings := map[byte][]byte{1: {23, 0xc0, 0}, 2: {144, 0xc0, 0}, 3: {0, 0xc0, 1, 0x80}}
	b.reading = func(sensor byte) []byte { return readings[sensor] }
	b.limits = func(sensor byte) []byte {
		return map[byte][]byte{1: {0x18, 0, 0, 0, 42, 47, 0}, 2: {0x02, 0, 20, 0, 0, 0, 0}}[sensor]
	}
	happens := func(sensor byte, reading []byte, event ...byte) func(*testing.T) {
		return func(*testing.T) {
			b.mu.Lock()
			defer b.mu.Unlock()
			readings[sensor] = reading
			b.write(event)
		}
	}
	return &peer{
		target: to,
		info: bmc.Info{
			Protocol: inventory.IPMI, Vendor: "Socle", Model: "VR-1", Serial: "SN-1", UUID: "6e1c0f9a-3a0b-4d1c-9d7e-0123456789ab",
			Firmware: "2.10", MAC: "52:54:00:00:01:01",
		},
		hang:   func(*testing.T) { b.hung.Store(true) },
		wake:   func(*testing.T) { b.hung.Store(false) },
		ignore: func(*testing.T) { b.chassis.mu.Lock(); defer b.chassis.mu.Unlock(); b.chassis.deaf = true },
		done: func(*testing.T) []string {
			b.chassis.mu.Lock()
			defer b.chassis.mu.Unlock()
			return slices.Clone(b.chassis.done)
		},
		boot: func(t *testing.T) string {
			flags, err := b.chassis.GetBootFlags(t.Context())
			if err != nil || flags.Persist {
				t.Errorf("boot flags %+v, %v", flags, err)
				return ""
			}
			return map[types.BootDeviceSelector]string{types.BootDeviceSelectorForcePXE: "pxe", types.BootDeviceSelectorForceHardDrive: "disk"}[flags.BootDeviceSelector]
		},
		vitals: vitals{
			heat:   happens(1, []byte{50, 0xc0, 0x18}, 0x01, 1, 0x01, 0x59, 50, 47),
			supply: happens(3, []byte{0, 0xc0, 2, 0x80}, 0x08, 3, 0x6f, 0x01, 0xff, 0xff),
			watts:  true, shows: true, nmi: true, restart: true, parts: []string{"BMC 2.10 false"},
			located: func(*testing.T) []string {
				b.mu.Lock()
				defer b.mu.Unlock()
				return []string{hex.EncodeToString(b.identify[:])}
			},
		},
		silent: silentUDP,
	}
}

// write adds an event to the log (IPMI 2.0 section 32.1); the caller holds the lock.
func (b *richBMC) write(event []byte) {
	b.last++
	record := binary.LittleEndian.AppendUint16(nil, b.last)
	record = append(record, 0x02)
	record = binary.LittleEndian.AppendUint32(record, uint32(time.Now().Unix())) //nolint:gosec // what IPMI holds
	b.log = append(b.log, append(append(record, 0x20, 0, 0x04), event...))
}

// logInfo, logEntry and clearLog are the SEL (IPMI 2.0 sections 31.2, 31.5 and 31.9).
func (b *richBMC) logInfo([]byte) ([]byte, types.CompletionCode) {
	out := binary.LittleEndian.AppendUint16([]byte{0x51}, uint16(len(b.log))) //nolint:gosec // a few
	return append(out, 0xff, 0x0f, 0, 0, 0, 1, 0, 0, 0, 2, 0x02), types.CodeOK
}

func (b *richBMC) logEntry(data []byte) ([]byte, types.CompletionCode) {
	id := binary.LittleEndian.Uint16(data[2:])
	i := slices.IndexFunc(b.log, func(r []byte) bool { return binary.LittleEndian.Uint16(r) == id })
	switch id {
	case 0:
		i = 0
	case 0xffff:
		i = len(b.log) - 1
	}
	if i < 0 || i >= len(b.log) {
		return nil, types.CodeRequestedDataNotPresent
	}
	next := []byte{0xff, 0xff}
	if i+1 < len(b.log) {
		next = b.log[i+1][:2]
	}
	return append(slices.Clone(next), b.log[i]...), types.CodeOK
}

func (b *richBMC) clearLog(data []byte) ([]byte, types.CompletionCode) {
	if string(data[2:5]) != "CLR" {
		return nil, types.CodeRequestDataFieldInvalid
	}
	b.log = nil
	return []byte{1}, types.CodeOK
}
