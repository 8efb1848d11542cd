package verdict

import "socle/inventory"

// failedRules are about what a boot script itself said that it gave up.
var failedRules = []Rule{{
	ID: "script-gave-up", Title: "the boot script gave up, and said on what", Seen: "the loader named what it could not do, after as many tries as the script has",
	Check:      "the file that is named: that it is there and whole (`socle image build ramdisk`), and is for this architecture; iPXE's error is explained at ipxe.org under its number",
	Confidence: Certain, Standing: Stuck, find: scriptGaveUp,
}}

func scriptGaveUp(t *trace) *finding {
	i := t.last(is{kind: inventory.SawFailure})
	if i < 0 {
		return nil
	}
	e := t.lines[i]
	for _, later := range t.lines[i+1:] {
		if (later.Kind == inventory.SawTFTP || later.Kind == inventory.SawFile) && later.File == e.File && later.Outcome == inventory.OutComplete {
			return nil // it went better since
		}
	}
	support, because := []int{i}, ""
	if at := t.last(is{outcomes: out(inventory.OutNotFound, inventory.OutUnavailable), file: func(name string) bool { return name == e.File }}); at >= 0 {
		support, because = []int{at, i}, "; the server had no such file"
		if t.lines[at].Outcome == inventory.OutUnavailable {
			because = "; the server could not read it"
		}
	}
	return found(support, "%s on %s: %s%s.", e.Asked, e.File, e.Reply, because)
}
