package tftp

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loop serves many transfers from one goroutine: it waits for acknowledgements in one epoll set, and looks
// at the deadlines of all transfers once a tick, which for a thousand of them costs less than one timer a
// block would.
type loop struct {
	server *Server
	ep     int
	wake   int // an eventfd: there is something in the mailbox
	batch  *batch
	listen []*listener // only the first loop has them

	senders []*sender // all
	byFD    []*sender
	current *sender // whose event is being handled
	epoch   time.Time
	now     time.Duration // since epoch; read once for each batch of events
	scan    time.Duration // when to look at the deadlines
	buf     [600]byte     // an ACK has 4 bytes, an ERROR a text
	events  [128]unix.EpollEvent

	mu      sync.Mutex
	mailbox []func()
	load    int // transfers, those in the mailbox too
	closing bool
}

func newLoop(s *Server) (*loop, error) {
	l := &loop{server: s, batch: newBatch(), epoch: time.Now()}
	var err error
	if l.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("making an event loop: %w", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		_ = unix.Close(l.ep)
		return nil, fmt.Errorf("making an event loop: %w", err)
	}
	if err = l.add(l.wake, unix.EPOLLIN); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *loop) close() {
	_ = unix.Close(l.wake)
	_ = unix.Close(l.ep)
}

func (l *loop) add(fd int, events uint32) error {
	if err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}); err != nil { //nolint:gosec // a descriptor is an int
		return fmt.Errorf("watching a socket: %w", err)
	}
	return nil
}

// watch makes the loop hear also of room in a socket's buffer, or no more.
func (l *loop) watch(s *sender, room bool) {
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(s.fd)} //nolint:gosec // a descriptor is an int
	if room {
		e.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_MOD, s.fd, &e); err != nil {
		l.server.opt.Log.Error("watching a TFTP transfer failed, its timer goes on", "err", err)
	}
}

// post runs f in the loop. It returns false when the loop has ended.
func (l *loop) post(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return false
	}
	l.mailbox = append(l.mailbox, f)
	_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // it can only fail when it is set already
	return true
}

// run serves until stop has been posted and all transfers have ended, or been cut off.
func (l *loop) run() {
	for !l.finished() {
		n := l.wait()
		l.now = time.Since(l.epoch)
		l.handle(n)
		if l.now >= l.scan {
			l.scan = l.now + tick
			l.guard(l.expire)
		}
		if l.server.opening.Load() > 0 {
			runtime.Gosched() // the calls here hide from the scheduler; let files be opened in between
		}
	}
}

func (l *loop) finished() bool {
	if len(l.senders) > 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.server.stopping.Load() || len(l.mailbox) > 0 {
		return false
	}
	l.closing = true
	return true
}

// wait returns how many events there are; none when it is time to look at the deadlines.
func (l *loop) wait() int {
	n, _, err := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.ep), uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)), 0, 0, 0) //nolint:gosec // the events outlive the call
	if err == 0 && n > 0 {
		return int(n)
	}
	timeout := -1
	if len(l.senders) > 0 {
		timeout = max(int((l.scan-time.Since(l.epoch)+time.Millisecond-1)/time.Millisecond), 0)
	}
	m, waitErr := unix.EpollWait(l.ep, l.events[:], timeout)
	if waitErr != nil {
		return 0 // interrupted
	}
	return m
}

// handle takes the events. One that makes it panic costs its transfer, and the other events of the batch
// come again.
func (l *loop) handle(n int) {
	l.guard(func() {
		for i := range n {
			l.current = nil
			fd, events := int(l.events[i].Fd), l.events[i].Events
			switch {
			case fd == l.wake:
				l.open()
			case fd < len(l.byFD) && l.byFD[fd] != nil:
				l.current = l.byFD[fd]
				l.event(l.current, events)
			default:
				l.request(fd)
			}
		}
	})
}

func (l *loop) event(s *sender, events uint32) {
	if events&unix.EPOLLOUT != 0 {
		s.push()
		if l.byFD[s.fd] != s {
			return
		}
	}
	s.drain()
}

// request reads from a listening socket.
func (l *loop) request(fd int) {
	for _, p := range l.listen {
		if p.fd == fd {
			p.receive(l.server)
		}
	}
}

func (l *loop) open() {
	var b [8]byte
	_, _ = unix.Read(l.wake, b[:])
	l.mu.Lock()
	mail := l.mailbox
	l.mailbox = nil
	l.mu.Unlock()
	for _, f := range mail {
		l.current = nil
		l.guard(f)
	}
}

// guard contains a panic: it is logged and ends the transfer that it came from.
func (l *loop) guard(f func()) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		l.server.opt.Log.Error("TFTP transfer panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		if s := l.current; s != nil && s.index >= 0 {
			l.current = nil
			s.tell(CodeOther, textInternal)
			s.end(Failed, CodeOther, textInternal)
		}
	}()
	f()
}

func (l *loop) expire() {
	for i := len(l.senders) - 1; i >= 0; i-- { // from the end: one that ends is replaced by the last
		if i >= len(l.senders) {
			continue
		}
		if s := l.senders[i]; l.now >= s.deadline {
			l.current = s
			s.expire()
		}
	}
}

// adopt begins a transfer. It runs in the loop.
func (l *loop) adopt(s *sender) {
	l.now = time.Since(l.epoch)
	if err := l.add(s.fd, unix.EPOLLIN|unix.EPOLLET); err != nil {
		_ = unix.Close(s.fd)
		l.unload()
		l.server.refuse(s.entry, CodeOther, textLater, Failed)
		return
	}
	for len(l.byFD) <= s.fd {
		l.byFD = append(l.byFD, nil)
	}
	l.byFD[s.fd], l.current = s, s
	s.index = len(l.senders)
	l.senders = append(l.senders, s)
	s.start()
}

// drop forgets a transfer and closes its socket, which also ends its place in the epoll set.
func (l *loop) drop(s *sender) {
	last := len(l.senders) - 1
	l.senders[s.index] = l.senders[last]
	l.senders[s.index].index = s.index
	l.senders[last] = nil
	l.senders = l.senders[:last]
	l.byFD[s.fd] = nil
	s.index = -1
	_ = unix.Close(s.fd)
	l.unload()
}

func (l *loop) unload() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.load--
}
