package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"socle/hardware"
)

// IPMI 2.0 numbers that are used here.
const (
	netFnApp       = 0x06
	netFnTransport = 0x0c
	cmdDeviceID    = 0x01 // section 20.1
	cmdLanConfig   = 0x02 // section 23.2
	lanAddress     = 3    // parameter: IP address
	lanMAC         = 5    // parameter: MAC address
	maxChannel     = 11
	bmcPatience    = 3 * time.Second // for one answer
)

// bmc asks the management controller through the kernel's driver. No device is no BMC, and no error.
func (r Root) bmc(ctx context.Context) (*hardware.BMC, error) {
	f, err := os.OpenFile(filepath.Join(r.Dev, "ipmi0"), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening the IPMI device: %w", err)
	}
	defer f.Close()
	ask := func(netFn, cmd byte, data ...byte) ([]byte, error) { return ipmiAsk(ctx, f, netFn, cmd, data) }
	id, err := ask(netFnApp, cmdDeviceID)
	if err != nil {
		return nil, err
	}
	b := deviceID(id)
	for channel := byte(1); channel <= maxChannel && ctx.Err() == nil; channel++ {
		mac, err := ask(netFnTransport, cmdLanConfig, channel, lanMAC, 0, 0)
		if err != nil || len(mac) < 8 {
			continue // not a LAN channel
		}
		// An answer is the completion code, the parameter's revision, then the parameter (IPMI 2.0, 23.2).
		b.MAC = net.HardwareAddr(mac[2:8]).String()
		if ip, err := ask(netFnTransport, cmdLanConfig, channel, lanAddress, 0, 0); err == nil && len(ip) >= 6 {
			if a := netip.AddrFrom4([4]byte(ip[2:6])); !a.IsUnspecified() {
				b.Address = a.String()
			}
		}
		break
	}
	return b, nil
}

// deviceID reads the answer to Get Device ID (IPMI 2.0, 20.1): the completion code, then device, its revision,
// firmware major and minor (BCD), IPMI version, support, and the manufacturer, lowest byte first.
func deviceID(answer []byte) *hardware.BMC {
	b := &hardware.BMC{}
	if len(answer) >= 10 {
		b.Version = fmt.Sprintf("%d.%02x", answer[3]&0x7f, answer[4])
		b.Vendor = manufacturer(uint32(answer[7]) | uint32(answer[8])<<8 | uint32(answer[9])<<16)
	}
	return b
}

// manufacturer names the IANA enterprise numbers of usual makers.
func manufacturer(n uint32) string {
	known := map[uint32]string{11: "HPE", 2: "IBM", 343: "Intel", 674: "Dell", 10876: "Supermicro", 19046: "Lenovo",
		20301: "IBM/Lenovo", 47196: "HPE", 2011: "Huawei", 15370: "Giga-Byte", 49769: "ASRock Rack", 2623: "ASUS",
		7154: "IPMI Forum", 6653: "Tyan", 7244: "Quanta", 42: "Sun/Oracle", 5771: "Cisco", 10368: "Fujitsu", 3704: "AMI"}
	if name := known[n]; name != "" {
		return name
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("IANA %d", n)
}

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
	ipmiSystemInterface = 0x0c
	ipmiChannelBMC      = 0xf
	ipmiSend            = 2<<30 | unsafe.Sizeof(ipmiReq{})<<16 | 'i'<<8 | 13  // IPMICTL_SEND_COMMAND
	ipmiReceiveTrunc    = 3<<30 | unsafe.Sizeof(ipmiRecv{})<<16 | 'i'<<8 | 11 // IPMICTL_RECEIVE_MSG_TRUNC
)

// ipmiAsk sends one request and returns the answer's data, completion code first; any other code than 0 is an error.
func ipmiAsk(ctx context.Context, f *os.File, netFn, cmd byte, data []byte) ([]byte, error) {
	id := time.Now().UnixNano()
	addr := ipmiAddr{kind: ipmiSystemInterface, channel: ipmiChannelBMC}
	req := ipmiReq{addr: unsafe.Pointer(&addr), addrLen: 8, id: id,
		msg: ipmiMsg{netFn: netFn, cmd: cmd, length: uint16(len(data)), data: unsafe.Pointer(unsafe.SliceData(data))}}
	if err := ioctl(f, ipmiSend, unsafe.Pointer(&req)); err != nil {
		return nil, fmt.Errorf("sending IPMI command %#x: %w", cmd, err)
	}
	runtime.KeepAlive(data)
	deadline := time.Now().Add(bmcPatience)
	for {
		left := time.Until(deadline)
		if left <= 0 || ctx.Err() != nil {
			return nil, fmt.Errorf("the BMC did not answer IPMI command %#x within %s", cmd, bmcPatience)
		}
		poll := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
		if n, err := unix.Poll(poll, int(left.Milliseconds())+1); n == 0 || err != nil {
			continue
		}
		var buf [256]byte
		var from ipmiAddr
		recv := ipmiRecv{addr: unsafe.Pointer(&from), addrLen: uint32(unsafe.Sizeof(from)),
			msg: ipmiMsg{length: uint16(len(buf)), data: unsafe.Pointer(&buf[0])}}
		if err := ioctl(f, ipmiReceiveTrunc, unsafe.Pointer(&recv)); err != nil {
			return nil, fmt.Errorf("receiving the answer to IPMI command %#x: %w", cmd, err)
		}
		if recv.id != id {
			continue // an answer that came after its time
		}
		answer := buf[:min(int(recv.msg.length), len(buf))]
		if len(answer) == 0 || answer[0] != 0 {
			return nil, fmt.Errorf("the BMC refused IPMI command %#x with completion code %#x", cmd, answer)
		}
		return append([]byte(nil), answer...), nil
	}
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
