package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"socle/lab"
)

// Scene is what most tests play in: a rack, and a server that knows what the rack's manifest says.
type Scene struct {
	*Rack
	*Server
	Dir string
}

// Play brings up the scene, imports the rack's manifest, and leaves the rest to the test.
func Play(t testing.TB, spec lab.Spec, o ServerOptions) *Scene {
	t.Helper()
	a := Built(t)
	dir := Dir(t, a)
	if o.HTTPS {
		spec.HTTPSCA = filepath.Join(dir, "data", "boot-ca.crt") // the server makes it before it is read, at a power-on
	}
	r := RackUp(t, a, dir, spec)
	t.Cleanup(func() {
		if t.Failed() {
			r.tell(t)
		}
	})
	sc := &Scene{Rack: r, Server: Serve(t, a, r, dir, o), Dir: dir}
	sc.Import(t, spec)
	return sc
}

// Import imports the manifest of a specification, by the command that people use.
func (sc *Scene) Import(t testing.TB, spec lab.Spec) {
	t.Helper()
	file := filepath.Join(sc.Dir, "manifest.csv")
	if err := os.WriteFile(file, lab.Manifest(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	sc.Do(t, "manifest", "import", file)
}

// tell shows what the servers of the rack said and what was done to them.
func (r *Rack) tell(t testing.TB) {
	t.Helper()
	for _, s := range r.Servers {
		journal := filepath.Join(r.Dir, r.Name, s.Name, "bmc.log")
		t.Logf("%s: its BMC's journal:\n%s", s.Name, Tail(journal, 20))
		t.Logf("%s: the end of its console:\n%s", s.Name, lastLines(escapes.ReplaceAllString(r.Console(s.Name), ""), 25))
	}
}
