package pxe

import (
	"embed"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"text/template"

	"socle/inventory"
)

// Paths below the boot URL.
const (
	StartPath  = "/boot/start.ipxe"  // the first script: static, makes iPXE say who it is
	ScriptPath = "/boot/script.ipxe" // the machine's script
	FilesPath  = "/boot/files/"      // followed by a name of Files
)

//go:embed scripts/*.ipxe.tmpl
var scriptFiles embed.FS

var scripts = template.Must(template.New("").Option("missingkey=error").ParseFS(scriptFiles, "scripts/*.ipxe.tmpl"))

// The scripts, by what they say.
const (
	scriptStart       = "start"
	scriptRamdisk     = "ramdisk"
	scriptDisk        = "disk"
	scriptNothing     = "nothing"
	scriptUnknown     = "unknown"
	scriptUnavailable = "unavailable"
	scriptAnonymous   = "anonymous"
	scriptStranger    = "stranger"
)

// script is what the templates see. Nothing in it comes from a machine but MAC and Name, and those only in
// the narrow forms that newScript lets through.
type script struct {
	Base   string // "http://ADDRESS:PORT"
	MAC    string // "aa:bb:cc:dd:ee:ff", or empty
	Name   string // of the machine, for its console
	UEFI   bool
	Params string // kernel command line
}

// Start is the URL of the start script.
func (s script) Start() string { return s.Base + StartPath }

// Script is the URL of the machine's script, without query.
func (s script) Script() string { return s.Base + ScriptPath }

// Failed is the URL that is told what was given up, with the machine's MAC.
func (s script) Failed() string { return s.Base + FailedPath + "?mac=" + s.MAC }

// Files is the URL of the files; it ends with "/".
func (s script) Files() string { return s.Base + FilesPath }

// maxCommandLine is what an x86 Linux kernel reads of its command line (COMMAND_LINE_SIZE), with some left
// for what iPXE puts in front.
const maxCommandLine = 2048 - 64

// okName tells whether a text is a name fit for a console: of letters, digits and _ . -, the first one no sign.
func okName(s string) bool {
	return len(s) > 0 && len(s) <= 64 && only(s, &nameChars) && only(s[:1], &firstChars)
}

// okParam tells whether a word is "name" or "name=value" of characters to which neither iPXE's scripts ("${}",
// quotes, "||", "#") nor the kernel's command line (white space, quotes) give a meaning of their own.
func okParam(word string) bool {
	name, value, _ := strings.Cut(word, "=")
	return len(name) > 0 && len(name) <= 64 && len(value) <= 512 && only(name, &nameChars) && only(value, &valueChars)
}

// Which bytes names, and the values of parameters, may hold.
var (
	firstChars = charSet("")
	nameChars  = charSet("_.-")
	valueChars = charSet("_.:/,=+@%~[]-")
)

// charSet is letters, digits and more.
func charSet(more string) (set [256]bool) {
	for c := range 256 {
		set[c] = c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(more, byte(c)) >= 0
	}
	return set
}

func only(s string, set *[256]bool) bool {
	for i := range len(s) {
		if !set[s[i]] {
			return false
		}
	}
	return true
}

// ErrParam says that a kernel parameter would change the meaning of the script or of the command line.
var ErrParam = errors.New("kernel parameter cannot be used")

// scriptFor names the script of a plan's target.
func scriptFor(target inventory.Boot) string {
	switch target {
	case inventory.BootDisk:
		return scriptDisk
	case inventory.BootRamdisk, inventory.BootRescue:
		return scriptRamdisk
	case inventory.BootNothing:
		return scriptNothing
	default:
		return scriptUnavailable // a target of a newer version: wait rather than guess
	}
}

// newScript fills in what a script needs, and refuses what must not be in one. The text of the error never
// holds a parameter's value, since the boot token is one.
func newScript(base string, c Client, p Plan) (script, error) {
	s := script{Base: base, MAC: inventory.NormalizeMAC(c.MAC), UEFI: c.Arch.UEFI()}
	if okName(p.Name) {
		s.Name = p.Name
	}
	var room [1024]byte
	line := room[:0]
	if s.UEFI && c.IPXE {
		// The EFI stub finds the ramdisk by name: iPXE offers it as a file of that name.
		line = append(line, "initrd=initrd "...)
	}
	if s.MAC != "" {
		line = append(line, "BOOTIF=01-"...)
		for i := range len(s.MAC) {
			if c := s.MAC[i]; c != ':' {
				line = append(line, c)
			} else {
				line = append(line, '-')
			}
		}
		line = append(line, ' ')
	}
	line = append(append(line, "console=tty0 "...), serialConsole(c.Arch)...)
	for i, w := range p.Params {
		if !okParam(w) {
			name, _, _ := strings.Cut(w, "=")
			return script{}, fmt.Errorf("%w: number %d (%.40q): only letters, digits and _ . - : / , = + @ %% ~ [ ] are allowed",
				ErrParam, i+1, name)
		}
		line = append(append(line, ' '), w...)
	}
	if len(line) > maxCommandLine {
		return script{}, fmt.Errorf("%w: the command line has %d bytes, the kernel reads %d", ErrParam, len(line), maxCommandLine)
	}
	s.Params = string(line)
	return s, nil
}

// serialConsole is the kernel parameter of the serial line: servers with arm64 have the one of Arm's SBSA.
func serialConsole(a Arch) string {
	if a == ArchEFIARM64 || a == ArchEFIARM64HTTP {
		return "console=ttyAMA0"
	}
	return "console=ttyS0,115200n8"
}

// checkBase accepts an http URL of host and port, as it goes into DHCP answers and scripts: iPXE of
// distributions knows no https.
func checkBase(base string) (string, error) {
	base = strings.TrimSuffix(base, "/")
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil || u.Fragment != "" ||
		!regexp.MustCompile(`^[A-Za-z0-9.:\[\]\-]+$`).MatchString(u.Host) {
		return "", fmt.Errorf("boot URL %q: give http://ADDRESS:PORT as machines on the provisioning network reach it", base)
	}
	return base, nil
}
