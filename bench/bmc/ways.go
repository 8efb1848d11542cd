package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"socle/bmc"
	"socle/internal/crowd"
	"socle/internal/secret"
	"socle/inventory"
)

// places is how many controllers are asked at a time, as by the command line ("socle power status" and its like).
const places = 256

// ours asks with our driver and all its guards. It is a fresh one each time: nothing is remembered of the controllers.
func ours(ctx context.Context, o options) (int, error) {
	d := bmc.New(bmc.Options{})
	targets := make([]bmc.Target, o.bmcs)
	for n := range targets {
		targets[n] = bmc.Target{Machine: fmt.Sprint(n), Protocol: inventory.IPMI, Address: address(n).String(), User: user, Password: secret.New(password)}
	}
	var off atomic.Int64
	var failed atomic.Pointer[error]
	crowd.Each(ctx, crowd.New(places, 512, 2*time.Second), targets, func(ctx context.Context, t bmc.Target) {
		p, err := d.Power(ctx, t)
		if err != nil {
			failed.Store(&err)
		} else if p == inventory.PowerOff {
			off.Add(1)
		}
	})
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return int(off.Load()), nil
}

// ipmitool asks one after the other. The cipher suite is given: else each call spends its time on asking for one.
func ipmitool(ctx context.Context, o options) (off int, err error) {
	for n := range o.bmcs {
		cmd := exec.CommandContext(ctx, "ipmitool", "-I", "lanplus", "-C", "3", "-H", address(n).String(), "-U", user, "-E", "chassis", "power", "status")
		cmd.Env = append(os.Environ(), "IPMI_PASSWORD="+password)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("%w: %s", err, out)
		}
		if strings.Contains(string(out), "is off") {
			off++
		}
	}
	return off, nil
}

// ipmipower asks all at once, which is what it is made for.
func ipmipower(ctx context.Context, o options) (off int, err error) {
	var hosts []string
	for n := range o.bmcs {
		hosts = append(hosts, address(n).String())
	}
	out, err := exec.CommandContext(ctx, "ipmipower", "--stat", "-D", "LAN_2_0", "-I", "3", "-u", user, "-p", password, "-l", "ADMIN", "-h", strings.Join(hosts, ",")).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, out[:min(len(out), 400)])
	}
	return strings.Count(string(out), ": off"), nil
}
