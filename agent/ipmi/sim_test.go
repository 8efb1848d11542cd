package ipmi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
	"socle/internal/nettest"
)

func TestMain(m *testing.M) {
	nettest.Isolate("a controller of Debian's openipmi")
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		panic(string(out))
	}
	os.Exit(m.Run())
}

// simLAN is ipmi_lan(5): a controller with a network, and an interface for the server that it is in.
const simLAN = `name "sim"
set_working_mc 0x20
  startlan 1
    addr %[1]s 623
    priv_limit admin
    allowed_auths_admin md5
    guid 9a0f1c6e0b3a1c4d9d7e0123456789ab
    lan_config_program %[2]q
  endlan
  serial 15 %[1]s 9102 codec VM
  user 2 true "admin" "nobody-knows" admin 10 md5
`

// simNetwork tells ipmi_sim what the controller's network is.
const simNetwork = `#!/bin/sh
shift
for n in "$@"; do
	case "$n" in
	ip_addr) v=198.18.1.11 ;;
	ip_addr_src) v=dhcp ;;
	mac_addr) v=02:53:00:00:01:0b ;;
	subnet_mask) v=255.255.255.0 ;;
	*_mac_addr) v=00:00:00:00:00:00 ;;
	*) v=0.0.0.0 ;;
	esac
	echo "$n:$v"
done
`

// startSim runs ipmi_sim and returns the interface from inside its server.
func startSim(t *testing.T, host string) *vmLink {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "network")
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"lan.conf", fmt.Sprintf(simLAN, host, program), 0o600}, {"network", simNetwork, 0o700},
		{"commands", "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n", 0o600},
	} {
		if err := os.WriteFile(filepath.Join(dir, f.name), []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("ipmi_sim", "-n", "-c", filepath.Join(dir, "lan.conf"), "-f", filepath.Join(dir, "commands"), "-s", dir)
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting ipmi_sim (Debian package openipmi): %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return dialVM(t, net.JoinHostPort(host, "9102"))
}

// vmLink is QEMU's side of its protocol with an external controller: each message is a sequence number, the request, and
// a checksum, with some bytes escaped (QEMU's hw/ipmi/ipmi_bmc_extern.c).
type vmLink struct {
	conn net.Conn
	in   *bufio.Reader
	seq  byte
}

const vmMessage, vmCommand, vmEscape = 0xa0, 0xa1, 0xaa

func dialVM(t *testing.T, addr string) *vmLink {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			return &vmLink{conn: conn, in: bufio.NewReader(conn)}
		}
		if time.Now().After(deadline) {
			t.Fatalf("ipmi_sim does not listen: %v", err)
		}
	}
}

// Ask implements Controller.
func (v *vmLink) Ask(_ context.Context, c Command, data ...byte) ([]byte, error) {
	v.seq++
	msg := append([]byte{v.seq, c.NetFn << 2, c.Cmd}, data...)
	var sum byte
	for _, b := range msg {
		sum += b
	}
	var out []byte
	for _, b := range append(msg, -sum) {
		if b == vmMessage || b == vmCommand || b == vmEscape {
			out = append(out, vmEscape)
			b |= 0x10
		}
		out = append(out, b)
	}
	_ = v.conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := v.conn.Write(append(out, vmMessage)); err != nil {
		return nil, err
	}
	for {
		answer, err := v.receive()
		if err != nil {
			return nil, err
		}
		if len(answer) >= 5 && answer[0] == v.seq && answer[1] == (c.NetFn|1)<<2 && answer[2] == c.Cmd {
			return checked(c, answer[3:len(answer)-1])
		}
	}
}

// receive reads a message; commands of the protocol itself are passed over.
func (v *vmLink) receive() ([]byte, error) {
	var msg []byte
	for {
		b, err := v.in.ReadByte()
		switch {
		case err != nil:
			return nil, err
		case b == vmMessage:
			return msg, nil
		case b == vmCommand:
			msg = nil
		case b == vmEscape:
			if b, err = v.in.ReadByte(); err != nil {
				return nil, err
			}
			msg = append(msg, b&^0x10)
		default:
			msg = append(msg, b)
		}
	}
}

// TestAccountFromInside makes an account on a controller whose password nobody has, and logs in with it over the
// network, by a program that is not ours.
func TestAccountFromInside(t *testing.T) {
	const host = "127.0.5.1"
	c := startSim(t, host)
	ctx := t.Context()
	b, err := Look(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	want := &hardware.BMC{Address: "198.18.1.11", MAC: "02:53:00:00:01:0b", Source: "dhcp", Channel: 1, GUID: b.GUID, Vendor: "IANA 4753", Version: "9.08",
		Accounts: []hardware.BMCAccount{{ID: 2, Name: "admin", Admin: true, Enabled: true}}}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("the controller (-want +got):\n%s", diff)
	}
	const name = "socle-a"
	passwords := []string{"first-Pass.word1", "short-One", "third-Pass.word1"}
	for i, p := range passwords {
		m, err := PutAccount(ctx, c, name, p)
		if err != nil {
			t.Fatalf("password %d: %v", i, err)
		}
		if m.ID != 3 || m.Channel != 1 || m.Address != "198.18.1.11" {
			t.Errorf("password %d: %+v", i, m)
		}
		for j, other := range passwords {
			if out, err := login(t, host, name, other); (err == nil) != (i == j) {
				t.Errorf("after password %d, a login with password %d: %v\n%s", i, j, err, out)
			}
		}
	}
	b, err = Look(ctx, c)
	if err != nil || len(b.Accounts) != 2 || b.Accounts[1] != (hardware.BMCAccount{ID: 3, Name: name, Admin: true, Enabled: true}) {
		t.Errorf("accounts %+v, %v", b.Accounts, err)
	}
}

// login asks a controller for its server's power.
func login(t *testing.T, host, user, password string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ipmitool", "-I", "lanplus", "-C", "3", "-R", "2", "-N", "2", "-H", host, "-U", user, "-L", "ADMINISTRATOR", "-E", "mc", "info")
	cmd.Env = append(os.Environ(), "IPMITOOL_PASSWORD="+password)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestNoRoom: a controller whose accounts are all taken says so, and none of them is touched.
func TestNoRoom(t *testing.T) {
	full := script(func(c Command, data []byte) ([]byte, error) {
		switch c {
		case getDeviceID:
			return []byte{0x20, 1, 2, 0x10, 2, 0xbf, 0x7c, 0x2a, 0, 1, 0}, nil
		case getLAN:
			if data[0] == 1 && data[1] == lanMAC {
				return []byte{0x11, 2, 3, 4, 5, 6, 7}, nil
			}
		case getUserAccess:
			return []byte{3, 0x42, 1, 0x14}, nil
		case getUserName:
			return append([]byte("user"), data[0]), nil
		}
		return nil, &Refused{c, 0xcc}
	})
	_, err := PutAccount(t.Context(), full, "socle-a", "first-Pass.word1")
	if err == nil || !strings.Contains(err.Error(), "all 3 accounts") || strings.Contains(err.Error(), "first-Pass") {
		t.Errorf("no room: %v", err)
	}
}

// TestLies: a controller that says yes and does nothing is found out, and one that is silent is not asked any more.
func TestLies(t *testing.T) {
	liar := script(func(c Command, data []byte) ([]byte, error) {
		switch c {
		case getLAN:
			return []byte{0x11, 2, 3, 4, 5, 6, 7}, nil
		case getUserAccess:
			return []byte{10, 0x40, 0, 0}, nil
		default:
			return make([]byte, 16), nil
		}
	})
	if _, err := PutAccount(t.Context(), liar, "socle-a", "first-Pass.word1"); err == nil || !strings.Contains(err.Error(), "said yes") {
		t.Errorf("a liar: %v", err)
	}
	asked := 0
	silent := script(func(c Command, _ []byte) ([]byte, error) {
		if asked++; c == getDeviceID {
			return make([]byte, 11), nil
		}
		return nil, errors.New("no answer")
	})
	if _, err := Look(t.Context(), silent); err == nil || asked > 2 {
		t.Errorf("a silent one was asked %d times: %v", asked, err)
	}
}

// script is a controller of a test.
type script func(c Command, data []byte) ([]byte, error)

// Ask implements Controller.
func (s script) Ask(_ context.Context, c Command, data ...byte) ([]byte, error) { return s(c, data) }

// FuzzController lets a controller answer with anything.
func FuzzController(f *testing.F) {
	f.Add([]byte{11, 0, 0x20, 1, 9, 8, 2, 0x9f, 0x91, 0x12, 0, 2, 15, 7, 0, 0x11, 2, 3, 4, 5, 6, 7})
	f.Add([]byte{0, 0xcc, 3, 0, 1, 2})
	f.Fuzz(func(t *testing.T, text []byte) {
		c := script(func(c Command, _ []byte) ([]byte, error) {
			if len(text) < 2 {
				return nil, errors.New("no answer")
			}
			n, code := min(int(text[0]), len(text)-2), text[1]
			answer := text[2 : 2+n]
			text = text[2+n:]
			return checked(c, append([]byte{code % 2 * 0xcc}, answer...))
		})
		m, err := PutAccount(t.Context(), c, "socle-a", "first-Pass.word1")
		if err == nil && m.ID == 0 {
			t.Error("an account without a place")
		}
		for _, a := range m.Accounts {
			if strings.ContainsFunc(a.Name, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("name %q", a.Name)
			}
		}
	})
}
