package pxe

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"socle/inventory"
)

// FailedPath is where a script says what it gave up, after as many tries as it has: in the evidence then stands what
// failed by its name, and not only that nothing more was heard.
const FailedPath = "/boot/failed"

// giveUp is what a script can give up.
type giveUp struct {
	step string // as the scripts name it
	file string // of the boot files; for the disk, its script
	what string // in words, behind "gave up:"
}

var giveUps = []giveUp{
	{"kernel", "ramdisk/vmlinuz", "the kernel could not be fetched, or is none that it can start"},
	{"initrd", "ramdisk/initrd", "the ramdisk could not be fetched"},
	{"start", "ramdisk/vmlinuz", "the kernel was fetched and did not start"},
	{"disk", scriptDisk, "the first disk did not boot"},
}

func giveUpOf(step string) (giveUp, bool) {
	for _, f := range giveUps {
		if f.step == step {
			return f, true
		}
	}
	return giveUp{}, false
}

// maxTries is more than scripts make.
const maxTries = 1000

// serveFailed notes what iPXE gave up. Who may not have a MAC's script may not speak for it either: it is noted as said
// by the address.
func (h *handler) serveFailed(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f, ok := giveUpOf(q.Get("step"))
	tries, err := strconv.Atoi(q.Get("tries"))
	if !ok || err != nil || tries < 0 || tries > maxTries {
		http.Error(w, "step and tries say what a boot script gave up", http.StatusBadRequest)
		return
	}
	c := Client{MAC: inventory.NormalizeMAC(q.Get("mac")), Addr: remote(r)}
	h.gaveUp("http", "iPXE", c, f, tries, q.Get("error"))
	writeScript(w, []byte("noted\n"))
}

// gaveUp records the failure.
func (h *handler) gaveUp(source, loader string, c Client, f giveUp, tries int, code string) {
	mac := c.MAC
	if h.stranger(c) {
		mac, _ = h.opt.Holder(c.Addr)
	}
	asked := loader + " gave up"
	if tries > 1 {
		asked += fmt.Sprintf(" after %d tries", tries)
	}
	reply := f.what
	if code = strings.TrimPrefix(code, "0x"); isErrorCode(code) {
		reply += ", error " + code
	}
	h.opt.Log.Warn("a boot script gave up", "mac", mac, "addr", c.Addr, "file", f.file, "what", reply)
	h.opt.Recorder.Record(inventory.Evidence{Time: h.opt.Now(), MAC: mac, Source: source, Kind: inventory.SawFailure, Outcome: inventory.OutGaveUp,
		Client: inventory.StageLoader, File: f.file, Addr: c.Addr, Asked: asked, Reply: reply})
}

// isErrorCode tells whether a text is an error of iPXE, eight digits of base 16; its web site explains each.
func isErrorCode(s string) bool {
	return len(s) == 8 && strings.Trim(s, "0123456789abcdef") == ""
}
