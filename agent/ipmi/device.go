package ipmi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// patience is for one answer: a KCS interface may take 5 s (IPMI 2.0 section 9.14), and few do.
const patience = 5 * time.Second

// Device is the kernel's IPMI device.
type Device struct{ file *os.File }

// ErrNone says that the kernel found no controller.
var ErrNone = errors.New("no BMC can be reached from inside the server: the kernel found no IPMI interface")

// Open opens the kernel's device, usually /dev/ipmi0; ErrNone when there is no controller behind it.
func Open(path string) (*Device, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("opening the IPMI device: %w", err)
	}
	return &Device{f}, nil
}

// Close closes the device.
func (d *Device) Close() error { return d.file.Close() }

// The structures of linux/ipmi.h.
type (
	ipmiAddr struct {
		kind    int32
		channel int16
		lun     byte
		_       [29]byte
	}
	ipmiMsg struct {
		netFn, cmd byte
		length     uint16
		data       unsafe.Pointer
	}
	ipmiReq struct {
		addr    unsafe.Pointer
		addrLen uint32
		id      int64
		msg     ipmiMsg
	}
	ipmiRecv struct {
		kind    int32
		addr    unsafe.Pointer
		addrLen uint32
		id      int64
		msg     ipmiMsg
	}
)

const (
	systemInterface = 0x0c
	channelBMC      = 0xf
	ioctlSend       = 2<<30 | unsafe.Sizeof(ipmiReq{})<<16 | 'i'<<8 | 13  // IPMICTL_SEND_COMMAND
	ioctlReceive    = 3<<30 | unsafe.Sizeof(ipmiRecv{})<<16 | 'i'<<8 | 11 // IPMICTL_RECEIVE_MSG_TRUNC
)

// Ask implements Controller.
func (d *Device) Ask(ctx context.Context, c Command, data ...byte) ([]byte, error) {
	id := time.Now().UnixNano()
	addr := ipmiAddr{kind: systemInterface, channel: channelBMC}
	req := ipmiReq{addr: unsafe.Pointer(&addr), addrLen: 8, id: id,
		msg: ipmiMsg{netFn: c.NetFn, cmd: c.Cmd, length: uint16(len(data)), data: unsafe.Pointer(unsafe.SliceData(data))}}
	if err := d.ioctl(ioctlSend, unsafe.Pointer(&req)); err != nil {
		return nil, fmt.Errorf("sending IPMI request %s: %w", c.Name, err)
	}
	runtime.KeepAlive(data)
	deadline := time.Now().Add(patience)
	for {
		left := time.Until(deadline)
		if left <= 0 || ctx.Err() != nil {
			return nil, fmt.Errorf("the BMC did not answer %s within %s", c.Name, patience)
		}
		poll := []unix.PollFd{{Fd: int32(d.file.Fd()), Events: unix.POLLIN}}
		if n, err := unix.Poll(poll, int(left.Milliseconds())+1); n == 0 || err != nil {
			continue
		}
		answer, of, err := d.receive()
		if err != nil {
			return nil, fmt.Errorf("receiving the answer to IPMI request %s: %w", c.Name, err)
		}
		if of == id { // another one came after its time
			return checked(c, answer)
		}
	}
}

// receive takes one answer from the driver, and tells to which request.
func (d *Device) receive() (answer []byte, id int64, err error) {
	var buf [256]byte
	var from ipmiAddr
	recv := ipmiRecv{addr: unsafe.Pointer(&from), addrLen: uint32(unsafe.Sizeof(from)),
		msg: ipmiMsg{length: uint16(len(buf)), data: unsafe.Pointer(&buf[0])}}
	if err := d.ioctl(ioctlReceive, unsafe.Pointer(&recv)); err != nil {
		return nil, 0, err
	}
	return buf[:min(int(recv.msg.length), len(buf))], recv.id, nil
}

// checked parts an answer from its completion code.
func checked(c Command, answer []byte) ([]byte, error) {
	if len(answer) == 0 {
		return nil, fmt.Errorf("the BMC's answer to %s is empty", c.Name)
	}
	if answer[0] != 0 {
		return nil, &Refused{c, answer[0]}
	}
	return answer[1:], nil
}

func (d *Device) ioctl(request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.file.Fd(), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
