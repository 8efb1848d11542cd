// Command socle-agent is process 1 of the boot ramdisk. As process 1 it mounts the kernel's file systems and
// starts itself again as the agent proper, so that a defect there does not end in a kernel panic.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"socle/agent"
	"socle/agent/boot"
	"socle/agent/disk"
	"socle/agent/probe"
)

// version is set by the linker.
var version = "dev"

func main() {
	switch {
	case os.Getpid() == 1:
		err := boot.Mount()
		c := boot.OpenConsole()
		if err != nil {
			fmt.Fprintf(c, "warning: %v\n", err)
		}
		boot.Supervise(c, "/proc/self/exe", []string{"run"})
	case len(os.Args) == 2 && os.Args[1] == "run" && os.Getppid() == 1:
		run()
	case len(os.Args) == 2 && os.Args[1] == "--version":
		fmt.Println(version)
	default:
		fmt.Fprintln(os.Stderr, "socle-agent is the first process of Socle's boot ramdisk and does nothing elsewhere; see `socle image build ramdisk`")
		os.Exit(2)
	}
}

// run is the agent proper; it takes the machine down at its end.
func run() {
	c := boot.OpenConsole()
	log := slog.New(c.Handler())
	outcome, err := serve(c, log)
	switch {
	case errors.Is(err, agent.ErrEnded):
		log.Info("This boot is over for Socle: " + err.Error())
		<-time.After(5 * time.Second) // to be read
		boot.Leave(c, false)
	case err != nil:
		boot.Fatal(c, err)
	default:
		boot.Leave(c, outcome == agent.PowerOff)
	}
}

func serve(c *boot.Console, log *slog.Logger) (agent.Outcome, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmdline, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return "", fmt.Errorf("reading the kernel's command line: %w", err)
	}
	params, err := agent.ParseParams(string(cmdline))
	c.Banner("Socle agent "+version, "machine  "+or(params.Name, "not known yet"), "server   "+or(params.Server, "none"))
	if err != nil {
		return "", err
	}
	if err := boot.LoadModules(log); err != nil {
		log.Warn(err.Error())
	}
	if err := boot.MountEFI(); err != nil {
		log.Warn(err.Error())
	}
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("reading the id of this boot: %w", err)
	}
	nic, address, err := boot.Network(ctx, boot.Wanted{MAC: params.MAC, Address: params.Address, Gateway: params.Gateway, Server: params.Server}, probe.Live, log)
	if err != nil {
		return "", err
	}
	c.Banner("machine  "+or(params.Name, "not known yet"), "server   "+params.Server, "address  "+address+" on "+nic+hardwareAddress(nic))
	client, err := agent.NewClient(params.Server, params.CA)
	if err != nil {
		return "", err
	}
	a, err := agent.New(agent.Options{
		Params: params, Client: client, Root: probe.Live, EFI: disk.EFIVars{Dir: "/sys/firmware/efi/efivars"},
		StateDir: "/run/socle", BootID: strings.TrimSpace(string(id)), BootNIC: nic, Version: version, Log: log,
		Listen: probe.Listen, Links: probe.Live.Links, SetClock: setClock(log),
	})
	if err != nil {
		return "", err
	}
	return a.Run(ctx)
}

// setClock sets the clock to the server's when it is off by more than a minute.
func setClock(log *slog.Logger) func(time.Time) {
	return func(t time.Time) {
		off := time.Until(t)
		if off.Abs() < time.Minute {
			return
		}
		tv := unix.NsecToTimeval(t.UnixNano())
		if err := unix.Settimeofday(&tv); err != nil {
			log.Warn("The clock cannot be set", "err", err)
			return
		}
		log.Info("The clock was wrong and is set by the server's", "off_by", (-off).Round(time.Second))
	}
}

func hardwareAddress(nic string) string {
	ifi, err := net.InterfaceByName(nic)
	if err != nil {
		return ""
	}
	return " (" + ifi.HardwareAddr.String() + ")"
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
