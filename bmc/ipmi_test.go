package bmc_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
)

// lanConf is ipmi_lan(5): one user, one session, and a program that is the chassis.
const lanConf = `name "hv01"
set_working_mc 0x20
  console %[1]s 9001
  startlan 1
    addr %[1]s 623
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid 9a0f1c6e0b3a1c4d9d7e0123456789ab
  endlan
  user 2 true "admin" %[2]q admin 1 none md2 md5 straight
  chassis_control %[3]q
`

// simCommands is ipmi_sim_cmd(5): one controller, of firmware 9.08, with a FRU whose product area says Socle, VR-1
// and SN-1 (IPMI FRU specification, section 12).
var simCommands = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_add_fru_data 0x20 0 40 data \
  0x01 0x00 0x00 0x00 0x01 0x00 0x00 0xfe \
  0x01 0x04 0x19 0xc5 0x53 0x6f 0x63 0x6c 0x65 0xc4 0x56 0x52 0x2d 0x31 0xc0 0xc0 \
  0xc4 0x53 0x4e 0x2d 0x31 0xc0 0xc0 0xc1 0x00 0x00 0x00 0x00 0x00 0x00 0x00 0xd9
` + simSensors + `mc_enable 0x20
`

// chassisScript is the chassis behind the controller: it keeps its state in files, follows power commands
// after 300 ms, logs what it is made to do, and does nothing once there is a file named ignore.
const chassisScript = `#!/bin/sh
cd %q || exit 1
op=$1
shift
case "$op" in
get)
	for n in "$@"; do printf '%%s:%%s\n' "$n" "$(cat "$n")"; done
	;;
set)
	while [ $# -gt 1 ]; do
		if [ ! -e ignore ]; then
			case "$1=$2" in
			power=1) echo on >>log; (sleep 0.3; echo 1 >power) >/dev/null 2>&1 & ;;
			power=0) echo off >>log; (sleep 0.3; echo 0 >power) >/dev/null 2>&1 & ;;
			shutdown=1) echo soft >>log; (sleep 0.3; echo 0 >power) >/dev/null 2>&1 & ;;
			reset=1) echo reset >>log ;;
			boot=*) echo "$2" >boot ;;
			identify=*) echo "$2" >>identify ;;
			esac
		fi
		shift 2
	done
	;;
esac
`

// startIPMI runs ipmi_sim of Debian's openipmi on loopback.
func startIPMI(t *testing.T) *peer { return startSim(t, lanConf) }

// startSim is startIPMI with another configuration that takes the same three values: host, password and chassis.
func startSim(t *testing.T, lanConf string) *peer {
	dir := t.TempDir()
	host := ownHost()
	chassis := filepath.Join(dir, "chassis")
	write(t, chassis, fmt.Sprintf(chassisScript, dir), 0o700)
	write(t, filepath.Join(dir, "lan.conf"), fmt.Sprintf(lanConf, host, password, chassis), 0o600)
	write(t, filepath.Join(dir, "commands"), simCommands, 0o600)
	write(t, filepath.Join(dir, "power"), "0\n", 0o600)
	write(t, filepath.Join(dir, "boot"), "none\n", 0o600)
	write(t, filepath.Join(dir, "log"), "", 0o600)
	sim := exec.Command("ipmi_sim", "-n", "-c", filepath.Join(dir, "lan.conf"), "-f", filepath.Join(dir, "commands"), "-s", dir)
	var said bytes.Buffer
	sim.Stdout, sim.Stderr = &said, &said
	if err := sim.Start(); err != nil {
		t.Fatalf("starting ipmi_sim (Debian package openipmi): %v", err)
	}
	t.Cleanup(func() {
		_ = sim.Process.Signal(syscall.SIGCONT)
		_ = sim.Process.Kill()
		_ = sim.Wait()
		time.Sleep(400 * time.Millisecond) // the chassis may be in the middle of following
	})
	p := &peer{
		target: bmc.Target{
			Machine: "hv01", Protocol: inventory.IPMI, Address: net.JoinHostPort(host, "623"),
			User: "admin", Password: secret.New(password),
		},
		info: bmc.Info{Protocol: inventory.IPMI, Vendor: "Socle", Model: "VR-1", Serial: "SN-1", Firmware: "9.08", UUID: "6e1c0f9a-3a0b-4d1c-9d7e-0123456789ab"},
		hang: func(t *testing.T) {
			if err := sim.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		},
		wake: func(t *testing.T) {
			if err := sim.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		},
		ignore: func(t *testing.T) { write(t, filepath.Join(dir, "ignore"), "", 0o600) },
		done:   func(t *testing.T) []string { return strings.Fields(contents(t, filepath.Join(dir, "log"))) },
		boot: func(t *testing.T) string {
			// "default" is what ipmi_sim makes of the first hard disk.
			return map[string]string{"pxe": "pxe", "default": "disk"}[strings.TrimSpace(contents(t, filepath.Join(dir, "boot")))]
		},
		once:   true,
		vitals: simVitals(net.JoinHostPort(host, "9001"), filepath.Join(dir, "identify")),
		silent: silentUDP,
	}
	var err error
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(50 * time.Millisecond) {
		if _, err = bmc.New(bmc.Options{ReadTimeout: time.Second}).Power(t.Context(), p.target); err == nil {
			return p
		}
	}
	t.Fatalf("ipmi_sim does not come up: %v\n%s", err, said.String())
	return nil
}

// silentUDP is a port where packets arrive and nobody says a word.
func silentUDP(t *testing.T) bmc.Target {
	l, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return bmc.Target{Machine: "hv01", Protocol: inventory.IPMI, Address: l.LocalAddr().String(), User: "admin", Password: secret.New(password)}
}

var hosts atomic.Uint32

// ownHost is a loopback address that no other test uses, of this process or another: so a controller has its standard
// ports to itself, and none is lost to somebody between finding it free and listening on it.
func ownHost() string {
	pid, n := os.Getpid(), hosts.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 1+pid>>7&0x7f, pid&0x7f<<1|int(n>>7&1), 1+n&0x7f)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestIPMIArguments puts a program before ipmitool that writes down its arguments: the password must not be
// among them, or every user of this host can read it from the list of processes.
func TestIPMIArguments(t *testing.T) {
	p := startIPMI(t)
	dir := t.TempDir()
	real, err := exec.LookPath("ipmitool")
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "arguments")
	write(t, filepath.Join(dir, "ipmitool"), fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%q\nexec %q \"$@\"\n", log, real), 0o700)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	d := bmc.New(quick)
	if _, err := d.SetPower(t.Context(), p.target, bmc.On); err != nil {
		t.Fatal(err)
	}
	if err := nextBoot(t.Context(), d, p.target, bmc.BootPXE, true); err != nil {
		t.Fatal(err)
	}
	_, err = bmc.New(brief).SetOverride(t.Context(), p.target, bmc.Override{Device: bmc.BootDisk, Always: true, UEFI: true})
	mustBe(t, err, bmc.ErrReadBack, "every boot") // ipmi_sim keeps nothing for always
	got := contents(t, log)
	if strings.Contains(got, password) {
		t.Errorf("the password is in the arguments:\n%s", got)
	}
	for _, want := range []string{"chassis power on", "chassis bootdev pxe options=efiboot", "chassis bootdev disk options=persistent,efiboot", "-C 3"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in the arguments:\n%s", want, got)
		}
	}
}

// TestIPMIToolHangs: a program that never ends is ended at the deadline.
func TestIPMIToolHangs(t *testing.T) {
	p := startIPMI(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ipmitool"), "#!/bin/sh\nexec sleep 60\n", 0o700)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	_, err := bmc.New(quick).SetPower(ctx, p.target, bmc.On)
	if took := time.Since(start); took > stuck {
		t.Errorf("took %v", took)
	}
	mustBe(t, err, bmc.ErrUnreachable, "")
}
