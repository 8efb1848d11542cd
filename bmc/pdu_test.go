package bmc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
)

// mib is where the MIB of a vendor has its outlets, by hand: the driver's own table is what is tested.
type mib struct {
	system, tree      string
	names, states     string
	onAt, offAt       string
	onValue, offValue int // to write
	isOn, isOff       int // to read
	unit              string
	odd               int // a state that is neither
}

const enterprises = "1.3.6.1.4.1."

var mibs = map[string]mib{
	// PowerNet-MIB: rPDU2OutletSwitchedStatusTable 26.9.2.3, rPDU2OutletSwitchedControlTable 26.9.2.4.
	"APC rPDU2": {system: "318.1.3.4.6", tree: "318", names: "318.1.1.26.9.2.3.1.3.", states: "318.1.1.26.9.2.3.1.5.",
		onAt: "318.1.1.26.9.2.4.1.5.", offAt: "318.1.1.26.9.2.4.1.5.", onValue: 1, offValue: 2, isOn: 2, isOff: 1, odd: 3},
	// PowerNet-MIB: rPDUOutletStatusTable 12.3.5.1, rPDUOutletControlTable 12.3.3.1.
	"APC rPDU": {system: "318.1.3.4.5", tree: "318", names: "318.1.1.12.3.5.1.1.2.", states: "318.1.1.12.3.5.1.1.4.",
		onAt: "318.1.1.12.3.3.1.1.4.", offAt: "318.1.1.12.3.3.1.1.4.", onValue: 1, offValue: 2, isOn: 1, isOff: 2, odd: 3},
	// PDU2-MIB: outletConfigurationTable 6.3.5.3, outletSwitchControlTable 6.4.1.2; the index is pduId, outletId.
	"Raritan PX": {system: "13742.6", tree: "13742", names: "13742.6.3.5.3.1.3.", states: "13742.6.4.1.2.1.3.",
		onAt: "13742.6.4.1.2.1.2.", offAt: "13742.6.4.1.2.1.2.", onValue: 1, offValue: 0, isOn: 7, isOff: 8, unit: "1.", odd: -1},
	// EATON-EPDU-MIB: outletTable 6.6.7.6.1, outletControlTable 6.6.7.6.6; the index is strappingIndex, outletIndex.
	"Eaton ePDU": {system: "534.6.6.7", tree: "534", names: "534.6.6.7.6.1.1.3.", states: "534.6.6.7.6.6.1.2.",
		onAt: "534.6.6.7.6.6.1.4.", offAt: "534.6.6.7.6.6.1.3.", onValue: 0, offValue: 0, isOn: 1, isOff: 0, unit: "0.", odd: 4},
	// Sentry3-MIB: outletTable 3.2.3; the index is towerIndex, infeedIndex, outletIndex.
	"Server Technology Sentry3": {system: "1718.3", tree: "1718", names: "1718.3.2.3.1.3.", states: "1718.3.2.3.1.5.",
		onAt: "1718.3.2.3.1.11.", offAt: "1718.3.2.3.1.11.", onValue: 1, offValue: 2, isOn: 1, isOff: 0, unit: "1.1.", odd: 6},
	// CPS-MIB: ePDUOutletStatusTable 1.1.3.3.5.1, ePDUOutletControlTable 1.1.3.3.3.1.
	"CyberPower ePDU": {system: "3808.1.1.3", tree: "3808", names: "3808.1.1.3.3.5.1.1.2.", states: "3808.1.1.3.3.5.1.1.4.",
		onAt: "3808.1.1.3.3.3.1.1.4.", offAt: "3808.1.1.3.3.3.1.1.4.", onValue: 1, offValue: 2, isOn: 1, isOff: 2, odd: 3},
}

// snmpdConf is snmpd.conf(5): who may read and write, what it says it is, and the program that has the outlets.
const snmpdConf = `agentAddress udp:%[1]s:161
rwcommunity %[2]s
rocommunity reader
createUser socle SHA "%[2]s" AES "private-%[2]s"
createUser modern SHA-256 "%[2]s" AES
createUser onlooker SHA "%[2]s" AES
rwuser socle authpriv
rwuser modern authpriv
rouser onlooker authpriv
sysObjectID 1.3.6.1.4.1.%[3]s
pass_persist .1.3.6.1.4.1.%[4]s /usr/bin/python3 %[5]s %[6]s
`

// startPDU runs snmpd with the outlets of a vendor: eight, all off, of which 2 is called "hv01 a", 3 "hv01 b", and 5 and 6
// have the same name. The server is fed by outlet 2.
func startPDU(t *testing.T, vendor string) *peer {
	t.Helper()
	return startAgent(t, mibs[vendor])
}

func startAgent(t *testing.T, m mib) *peer {
	t.Helper()
	dir, host := t.TempDir(), ownHost()
	table := struct {
		Values   map[string][2]any            `json:"values"`
		Commands map[string]map[string][2]any `json:"commands"`
	}{map[string][2]any{}, map[string]map[string][2]any{}}
	names := map[int]string{2: "hv01 a", 3: "hv01 b", 5: "twin", 6: "twin"}
	for n := 1; n <= 8; n++ {
		index := m.unit + fmt.Sprint(n)
		state := enterprises + m.states + index
		table.Values[enterprises+m.names+index] = [2]any{"string", names[n]}
		table.Values[state] = [2]any{"integer", m.isOff}
		for _, c := range []struct {
			at             string
			value, becomes int
		}{{m.onAt, m.onValue, m.isOn}, {m.offAt, m.offValue, m.isOff}} {
			at := enterprises + c.at + index
			table.Values[at] = [2]any{"integer", c.value}
			if table.Commands[at] == nil {
				table.Commands[at] = map[string][2]any{}
			}
			table.Commands[at][fmt.Sprint(c.value)] = [2]any{state, c.becomes}
		}
	}
	table.Values[enterprises+m.states+m.unit+"8"] = [2]any{"integer", m.odd}
	text, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/outlets.py")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "table.json"), string(text), 0o600)
	write(t, filepath.Join(dir, "log"), "", 0o600)
	write(t, filepath.Join(dir, "snmpd.conf"), fmt.Sprintf(snmpdConf, host, password, m.system, m.tree, script, dir), 0o600)
	agent := exec.Command("snmpd", "-f", "-r", "-C", "-c", filepath.Join(dir, "snmpd.conf"), "-Le", "-I", "pass_persist,pass,system_mib,usmConf,vacm_conf,snmpv3mibs,usmUser,snmpEngine")
	agent.Env = append(agent.Environ(), "PATH=/usr/sbin:/usr/bin:/bin", "MIBS=", "SNMP_PERSISTENT_DIR="+dir)
	agent.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if agent.Path, err = exec.LookPath("snmpd"); err != nil {
		agent.Path = "/usr/sbin/snmpd" // not in the path of everybody
		agent.Err = nil
	}
	var said bytes.Buffer
	agent.Stdout, agent.Stderr = &said, &said
	if err := agent.Start(); err != nil {
		t.Fatalf("starting snmpd (Debian package snmpd): %v", err)
	}
	signal := func(s syscall.Signal) func(*testing.T) {
		return func(t *testing.T) {
			if err := agent.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(func() {
		_ = agent.Process.Signal(syscall.SIGCONT)
		_ = agent.Process.Kill()
		_ = agent.Wait()
	})
	p := &peer{
		target: bmc.Target{Machine: "hv01", Protocol: inventory.PDU, Address: host, Password: secret.New(password), Outlets: []string{"2"}},
		hang:   signal(syscall.SIGSTOP), wake: signal(syscall.SIGCONT),
		ignore: func(t *testing.T) { write(t, filepath.Join(dir, "ignore"), "", 0o600) },
		done: func(t *testing.T) (all []string) {
			for _, line := range strings.Fields(contents(t, filepath.Join(dir, "log"))) {
				for word, c := range map[string]string{"on": fmt.Sprintf("%s%s@=%d", m.onAt, m.unit, m.onValue), "off": fmt.Sprintf("%s%s@=%d", m.offAt, m.unit, m.offValue)} {
					before, after, _ := strings.Cut(enterprises+c, "@")
					if rest, ok := strings.CutPrefix(line, before); ok && strings.HasSuffix(rest, after) {
						all = append(all, word+" "+strings.TrimSuffix(rest, after))
					}
				}
			}
			return all
		},
		silent: func(t *testing.T) bmc.Target {
			l, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			return bmc.Target{Machine: "hv01", Protocol: inventory.PDU, Address: l.LocalAddr().String(), Password: secret.New(password), Outlets: []string{"2"}}
		},
	}
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(50 * time.Millisecond) {
		if _, err = bmc.New(bmc.Options{ReadTimeout: 5 * time.Second}).Power(t.Context(), p.target); err == nil || errors.Is(err, bmc.ErrUnsupported) {
			return p
		}
	}
	t.Fatalf("snmpd does not come up: %v\n%s", err, said.String())
	return nil
}

// unhurried bounds are for a loaded machine; what ends early does so because it is told to.
var unhurried = bmc.Options{ReadTimeout: 20 * time.Second, WriteTimeout: 60 * time.Second, OffTime: 50 * time.Millisecond, Burst: 100}

// TestPDUKinds: each row of the table switches outlets of its vendor, by number and by name.
func TestPDUKinds(t *testing.T) {
	t.Parallel()
	for vendor := range mibs {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			p, d := startPDU(t, vendor), bmc.New(unhurried)
			setPower(t, d, p, bmc.Off, inventory.PowerOff) // off already: nothing is done
			setPower(t, d, p, bmc.On, inventory.PowerOn)
			setPower(t, d, p, bmc.On, inventory.PowerOn)
			setPower(t, d, p, bmc.Cycle, inventory.PowerOn)
			p.target.Outlets = []string{"hv01 b"}
			setPower(t, d, p, bmc.On, inventory.PowerOn)
			p.target.Outlets = []string{strings.TrimSuffix(mibs[vendor].unit, ".") + "." + "3"}
			if mibs[vendor].unit == "" {
				p.target.Outlets = []string{"3"}
			}
			setPower(t, d, p, bmc.Off, inventory.PowerOff)
			if diff := cmp.Diff([]string{"on 2", "off 2", "on 2", "on 3", "off 3"}, p.done(t)); diff != "" {
				t.Error(diff)
			}
			for outlet, want := range map[string]string{"8": "outlet 8 is neither on nor off", "9": "no outlet 9", "hv02": `no outlet with the name "hv02"`, "twin": `"twin" is the name of several outlets`} {
				p.target.Outlets = []string{"2", outlet}
				_, err := d.Power(t.Context(), p.target)
				if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), vendor) && outlet != "8" {
					t.Errorf("outlet %s: %v", outlet, err)
				}
			}
		})
	}
}

// TestPDUTwoSupplies: a server that is fed by two outlets is on when one of them is, is switched on by both, and off by
// both.
func TestPDUTwoSupplies(t *testing.T) {
	t.Parallel()
	p, d := startPDU(t, "APC rPDU2"), bmc.New(unhurried)
	p.target.Outlets = []string{"hv01 a"}
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	p.target.Outlets = []string{"hv01 a", "3"}
	if got, err := d.Power(t.Context(), p.target); err != nil || got != inventory.PowerOn {
		t.Fatalf("fed by one of two: %s, %v", got, err)
	}
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	setPower(t, d, p, bmc.Off, inventory.PowerOff)
	if diff := cmp.Diff([]string{"on 2", "on 3", "off 2", "off 3"}, p.done(t)); diff != "" {
		t.Error(diff)
	}
}

// TestPDUUsers: SNMPv3 with privacy, and who is refused.
func TestPDUUsers(t *testing.T) {
	t.Parallel()
	p := startPDU(t, "Raritan PX")
	both := secret.Join(secret.New(password), secret.New("private-"+password))
	for _, c := range []struct {
		user     string
		password secret.Secret
		kind     error
		says     string
	}{
		{"socle", both, nil, ""},
		{"modern:sha256:aes", secret.New(password), nil, ""},
		{"nobody", both, bmc.ErrAuth, "refuses the user, or the password"},
		{"socle", secret.Join(secret.New("not"+password), secret.New("private-"+password)), bmc.ErrAuth, "refuses the user, or the password"},
		{"socle", secret.Join(secret.New(password), secret.New("public-"+password)), bmc.ErrUnreachable, "the second password"},
		{"socle:md5:des", both, bmc.ErrUnsupported, "write NAME"},
		{"socle", secret.New("short"), bmc.ErrAuth, "less than 8"},
		{"onlooker", secret.New(password), bmc.ErrUnsupported, "read and not write"},
	} {
		t.Run(c.user, func(t *testing.T) {
			d := bmc.New(unhurried)
			p.target.User, p.target.Password = c.user, c.password
			_, err := d.SetPower(t.Context(), p.target, bmc.Cycle)
			if c.kind == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			mustBe(t, err, c.kind, c.says)
		})
	}
	// A community that may only read.
	p.target.User, p.target.Password = "", secret.New("reader")
	_, err := bmc.New(unhurried).SetPower(t.Context(), p.target, bmc.Cycle)
	mustBe(t, err, bmc.ErrUnsupported, "read and not write")
	// A wrong one: silence, of which both reasons are said.
	p.target.Password = secret.New("not" + password)
	_, err = bmc.New(unhurried).Power(t.Context(), p.target)
	mustBe(t, err, bmc.ErrUnreachable, "either nobody is there, or the community is wrong")
	if strings.Contains(err.Error(), "BMC") {
		t.Errorf("there is no BMC: %v", err)
	}
}

// TestPDUFaults: silence, nobody there, a change that is taken and does not happen.
func TestPDUFaults(t *testing.T) {
	t.Parallel()
	p := startPDU(t, "Eaton ePDU")
	d := bmc.New(quick)
	p.hang(t)
	_, err := d.Power(t.Context(), p.target)
	mustBe(t, err, bmc.ErrUnreachable, "")
	p.wake(t)
	if _, err := bmc.New(unhurried).Power(t.Context(), p.target); err != nil {
		t.Errorf("after it came back: %v", err)
	}
	p.ignore(t)
	o := unhurried
	o.Settle = time.Second
	_, err = bmc.New(o).SetPower(t.Context(), p.target, bmc.On)
	mustBe(t, err, bmc.ErrReadBack, "the power is off and not on")
	p.target.Address = net.JoinHostPort(ownHost(), "161")
	_, err = bmc.New(unhurried).Power(t.Context(), p.target)
	mustBe(t, err, bmc.ErrUnreachable, "")
	p.target.Outlets = nil
	_, err = bmc.New(unhurried).Power(t.Context(), p.target)
	mustBe(t, err, bmc.ErrUnsupported, "bmc_outlets")
}

// TestNoPDU: an agent that is no PDU that we know, and one of a vendor's other devices.
func TestNoPDU(t *testing.T) {
	t.Parallel()
	for system, want := range map[string]string{"8072.3.2.10": "no PDU of that kind is in the table", "318.1.3.2.7": "none of the outlets"} {
		m := mibs["CyberPower ePDU"]
		m.system = system
		p := startAgent(t, m)
		_, err := bmc.New(unhurried).Power(t.Context(), p.target)
		mustBe(t, err, bmc.ErrUnsupported, want)
	}
}
