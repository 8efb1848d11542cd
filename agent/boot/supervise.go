package boot

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxRestarts = 5
	lastWait    = 60 * time.Second
)

// Supervise is what process 1 does: it starts the agent as a child, gathers the dead, and starts the agent
// anew when it ends by a defect. It does not return. The child takes the machine down when it is done; when
// it cannot even be kept running, Supervise explains that and reboots.
func Supervise(c *Console, self string, args []string) {
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGPIPE)
	for n := 1; n <= maxRestarts; n++ {
		err := runChild(self, args)
		fmt.Fprintf(c, "The agent ended unexpectedly (%v), start %d of %d\n", err, n, maxRestarts)
		pause(2 * time.Second)
	}
	Fatal(c, errors.New("the agent cannot be kept running"))
}

// runChild starts the agent and gathers every child until it is the agent's turn.
func runChild(self string, args []string) error {
	p, err := os.StartProcess(self, append([]string{self}, args...), &os.ProcAttr{
		Env: append(os.Environ(), append(tuning(), "GOTRACEBACK=all", "GOMEMLIMIT=512MiB")...), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return fmt.Errorf("starting %s: %w", self, err)
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("waiting for the agent: %w", err)
		case pid == p.Pid:
			return fmt.Errorf("exit status %d, signal %d", status.ExitStatus(), status.Signal())
		}
	}
}

// tuning makes the agent prefer ChaCha20 where AES instructions are there and slow: an emulated processor does
// 5 MB/s of AES-GCM and 25 to 70 of ChaCha20. TLS 1.3's suites cannot be chosen otherwise.
func tuning() []string {
	if !slowAES() {
		return nil
	}
	return []string{"GODEBUG=cpu.aes=off,cpu.pclmulqdq=off"}
}

// slowAES measures: real AES instructions do more than 500 MB/s.
func slowAES() bool {
	const size, limit = 64 << 10, 100 << 20 // bytes, bytes a second
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		return false
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return false
	}
	buf := make([]byte, size, size+gcm.Overhead())
	best := time.Hour
	for range 5 {
		began := time.Now()
		gcm.Seal(buf[:0], make([]byte, gcm.NonceSize()), buf, nil)
		best = min(best, time.Since(began))
	}
	return best > size*time.Second/limit
}

// Fatal explains an error that nothing can be done about, leaves a minute to read it, and reboots.
func Fatal(c *Console, err error) {
	c.Banner("This machine cannot go on:", err.Error(), "", fmt.Sprintf("It reboots in %d seconds.", int(lastWait.Seconds())))
	pause(lastWait)
	Leave(c, false)
}

// pause waits; process 1 has nobody who could cancel it.
func pause(d time.Duration) { <-time.After(d) }

// Leave brings everything to the disks and takes the machine down. It does not return.
func Leave(c *Console, powerOff bool) {
	what, how := "Rebooting", unix.LINUX_REBOOT_CMD_RESTART
	if powerOff {
		what, how = "Powering off", unix.LINUX_REBOOT_CMD_POWER_OFF
	}
	fmt.Fprintln(c, what)
	unix.Sync()
	for {
		err := unix.Reboot(how)
		fmt.Fprintf(c, "%s failed: %v; trying again\n", what, err)
		pause(5 * time.Second)
	}
}
