package iso

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// medium builds a medium of small files that stand for the real ones; the e2e test boots the real ones.
func medium(t *testing.T, name string, params ...string) (Options, Result) {
	t.Helper()
	dir := t.TempDir()
	o := Options{Out: filepath.Join(dir, name), Title: "Socle: hv01", Params: params}
	for path, text := range map[*string]string{&o.Kernel: "kernel", &o.Initrd: "initrd", &o.Shim: "shim", &o.GRUB: "grub"} {
		*path = filepath.Join(dir, text)
		if err := os.WriteFile(*path, []byte("the "+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res, err := Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return o, res
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestBuildHoldsWhatBothFirmwaresNeed(t *testing.T) {
	o, res := medium(t, "m.iso", "socle.server=https://198.18.0.1:8443", "socle.token=abc_DEF-1")
	st, err := os.Stat(o.Out)
	if err != nil || st.Size() != res.Bytes || st.Mode().Perm() != 0o600 {
		t.Errorf("the file has %v (%v), want %d bytes and mode 0600", st, err, res.Bytes)
	}
	out := filepath.Join(t.TempDir(), "tree")
	output(t, "xorriso", "-osirrox", "on", "-indev", o.Out, "-extract", "/", out)
	for path, want := range map[string]string{
		kernelPath: "the kernel", initrdPath: "the initrd", ".disk/info": "Socle",
		"boot/grub/grub.cfg": "linux /socle/vmlinuz 'console=tty0' 'console=ttyS0,115200n8' 'socle.server=https://198.18.0.1:8443' 'socle.token=abc_DEF-1'\n",
	} {
		got, err := os.ReadFile(filepath.Join(out, path))
		if err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: %q (%v), want %q in it", path, got, err, want)
		}
	}
	report := output(t, "xorriso", "-indev", o.Out, "-report_el_torito", "plain", "-report_system_area", "plain")
	for _, want := range []string{"BIOS", "UEFI", "/boot/grub/eltorito.img", "grub2-mbr", "protective-msdos-label", "GPT type GUID      :   2  28732ac11ff8d211ba4b00a0c93ec93b"} {
		if !strings.Contains(report, want) {
			t.Errorf("the boot records do not tell of %q:\n%s", want, report)
		}
	}
}

func TestBuildTwiceGivesTheSameBytes(t *testing.T) {
	_, a := medium(t, "a.iso", "socle.name=hv01")
	_, b := medium(t, "b.iso", "socle.name=hv01")
	_, c := medium(t, "c.iso", "socle.name=hv02")
	if a != b || a == c {
		t.Errorf("equal inputs give %v and %v, others %v", a, b, c)
	}
}

func TestBuildSaysWhatIsWrong(t *testing.T) {
	o := Options{Out: filepath.Join(t.TempDir(), "m.iso"), Kernel: "/no/vmlinuz", Initrd: "/no/initrd", Shim: "/no/shim", GRUB: "/no/grub",
		Params: []string{"good=1", "socle.token=it's secret"}}
	_, err := Build(t.Context(), o)
	for _, want := range []string{"/no/vmlinuz", "socle image build ramdisk", "/no/shim", "socle image build boot-files", `parameter 2 ("socle.token")`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows a value: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(o.Out)); len(left) != 0 {
		t.Errorf("something is left: %v", left)
	}
}

func TestGrubConfigQuotesStrangers(t *testing.T) {
	got := string(grubConfig("x'; reboot", nil))
	if strings.Contains(got, "reboot") || !strings.Contains(got, "menuentry 'Socle ramdisk'") {
		t.Errorf("a title that is no title came through:\n%s", got)
	}
}
