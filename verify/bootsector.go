package verify

import "encoding/binary"

// bootSector is a disk that a PC's BIOS boots: a sector of 16-bit code that write a line on the first serial
// port, wait a second, and write it again, for ever. It needs no BIOS service, so it says its line on whatever
// firmware and host it runs. The line has at most 400 bytes.
func bootSector(line string) []byte {
	code := []byte{
		0xfa,       // cli
		0x31, 0xc0, // xor ax, ax
		0x8e, 0xd8, // mov ds, ax
		0x8e, 0xd0, // mov ss, ax
		0xbc, 0x00, 0x7c, // mov sp, 0x7c00
		0xfb, // sti: the timer's interrupts end the hlt below
		0xfc, // cld
		// again:
		0xbe, 0x00, 0x00, // mov si, text (patched)
		// next:
		0xac,       // lodsb
		0x84, 0xc0, // test al, al
		0x74, 0x11, // jz pause
		0x88, 0xc4, // mov ah, al
		0xba, 0xfd, 0x03, // mov dx, 0x3fd: the line status register
		// busy:
		0xec,       // in al, dx
		0xa8, 0x20, // test al, 0x20: transmitter empty
		0x74, 0xfb, // jz busy
		0x88, 0xe0, // mov al, ah
		0xb2, 0xf8, // mov dl, 0xf8
		0xee,       // out dx, al
		0xeb, 0xea, // jmp next
		// pause:
		0xb9, 0x12, 0x00, // mov cx, 18: ticks of 1/18 s
		// tick:
		0xf4,       // hlt
		0xe2, 0xfd, // loop tick
		0xeb, 0xdf, // jmp again
	}
	const again = 13
	disk := make([]byte, 1<<20)                                           // SeaBIOS boots from no disk that is smaller than a track
	binary.LittleEndian.PutUint16(code[again:], 0x7c00+uint16(len(code))) //nolint:gosec // below 512
	n := copy(disk, code)
	copy(disk[n:508], line+"\r\n")
	disk[510], disk[511] = 0x55, 0xaa
	return disk
}
