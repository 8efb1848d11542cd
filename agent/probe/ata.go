package probe

import (
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

const hdioGetIdentity = 0x030d // linux/hdreg.h

// ataSerial asks an ATA drive for its IDENTIFY data (ACS-4, 7.13); anything else answers nothing.
func ataSerial(device string) string {
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	var id [512]byte
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), hdioGetIdentity, uintptr(unsafe.Pointer(&id[0]))); errno != 0 {
		return ""
	}
	return ataText(id[20:40])
}

// ataText swaps the bytes of each word, as ATA strings are stored.
func ataText(b []byte) string {
	s := make([]byte, len(b))
	for i := 0; i+1 < len(b); i += 2 {
		s[i], s[i+1] = b[i+1], b[i]
	}
	return Clean(strings.Trim(string(s), "\x00 "))
}
