package dhcp6

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"socle/inventory"
)

// script writes a script for dhclient, which puts what the client learned into a file.
func script(t *testing.T) (path, out string) {
	t.Helper()
	dir := t.TempDir()
	path, out = filepath.Join(dir, "script"), filepath.Join(dir, "out")
	text := "#!/bin/sh\n{ echo \"event=$reason\"; env | grep -E '^new_'; } >> " + out + "\nexit 0\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, out
}

// learned waits up to 5 s for a client's script to say everything that is wanted.
func learned(t *testing.T, out string, want ...string) {
	t.Helper()
	for range 250 {
		if b, _ := os.ReadFile(out); hasAll(string(b), want) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b, _ := os.ReadFile(out)
	t.Errorf("the client did not learn all of %q:\n%s", want, b)
}

func TestDhclient(t *testing.T) {
	in := peer(t, "prov0", "cli0", macA, "2001:db8:1::1/64")
	e, l := newEvidence(t), &memory{}
	opt := provOptions(l, e, hosts{macA: {Machine: "m1", Boot: inventory.BootRamdisk}})
	opt.Subnets[0].Reservations = []inventory.Reservation6{{MAC: macA, Addr: ip("2001:db8:1::10")}}
	serve(t, opt)
	sh, out := script(t)
	dir := t.TempDir()
	in("dhclient", "-6", "-1", "-v", "-D", "LL", "-cf", "/dev/null", "-lf", dir+"/leases", "-pf", dir+"/pid", "-sf", sh, "cli0")
	learned(t, out, "event=BOUND6", "new_ip6_address=2001:db8:1::10", "new_dhcp6_name_servers=2001:db8:1::53", "new_dhcp6_domain_search=rack.example")
	e.await(time.Second, macA, "SOLICIT", "ADVERTISE 2001:db8:1::10")
	e.await(time.Second, macA, "REQUEST", "REPLY 2001:db8:1::10")
	if v, ok := l.lease("2001:db8:1::10"); !ok || v.MAC != macA || v.Machine != "m1" {
		t.Errorf("stored: %+v", v)
	}
	in("dhclient", "-6", "-r", "-v", "-cf", "/dev/null", "-lf", dir+"/leases", "-pf", dir+"/pid", "-sf", sh, "cli0")
	e.await(5*time.Second, macA, "RELEASE", "2001:db8:1::10 released")
}
