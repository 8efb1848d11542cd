package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
)

// newBootCmd is "socle boot": what machines boot from.
func newBootCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "boot", Short: "Show and choose what machines boot from, through their BMCs",
		Long: `What is chosen here goes before the server's usual order of boot devices; every choice is read back from the BMC.
IPMI lets a BMC forget the next boot after a minute, so switch the power right after. What Socle boots by itself it
chooses by itself.

` + rangeHelp + exitCodes}
	group(cmd)
	show := rangeCmd("show", "Show what machines boot from before their usual order", nil, func() fleet[api.BootOverride] {
		return bootFleet(func(ctx context.Context, c *api.Client, name string) (api.BootOverride, error) {
			return c.BootOverride(ctx, name)
		})
	})
	wipe := rangeCmd("clear", "Take a choice back: the firmware's own order holds again", nil, func() fleet[api.BootOverride] {
		return bootFleet(func(ctx context.Context, c *api.Client, name string) (api.BootOverride, error) {
			return c.SetBootOverride(ctx, name, api.BootRequest{Device: "none"})
		})
	})
	cmd.AddCommand(show, bootChoiceCmd("next", "Choose what machines boot next time, once", false),
		bootChoiceCmd("set", "Choose what machines boot from now on, every time", true), wipe)
	return cmd
}

// bootWords are the devices that people can choose.
var bootWords = []string{"network", "disk", "cd", "setup"}

func bootChoiceCmd(use, short string, always bool) *cobra.Command {
	var http bool
	cmd := &cobra.Command{
		Use: use + " RANGE... " + strings.Join(bootWords, "|"), Short: short, Args: args(cobra.MinimumNArgs(2)),
		Long: short + ". \"setup\" is the firmware's setup program.\n\n" + rangeHelp + exitCodes,
	}
	f, o := addClientFlags(cmd), addOutputFlag(cmd)
	cmd.Flags().BoolVar(&http, "http", false, "the network by UEFI HTTP boot; over Redfish only")
	cmd.RunE = func(cmd *cobra.Command, words []string) error {
		device, ranges := words[len(words)-1], words[:len(words)-1]
		switch {
		case !slices.Contains(bootWords, device):
			return usageError{fmt.Errorf("boot device %q: say one of %s at the end", device, strings.Join(bootWords, ", "))}
		case http && device != "network":
			return usageError{errors.New("--http is for the network")}
		case http:
			device = "http"
		}
		c, err := ready(f, o)
		if err != nil {
			return err
		}
		return bootFleet(func(ctx context.Context, c *api.Client, name string) (api.BootOverride, error) {
			return c.SetBootOverride(ctx, name, api.BootRequest{Device: device, Persistent: always})
		}).run(cmd, c, o, ranges)
	}
	return cmd
}

func bootFleet(do func(context.Context, *api.Client, string) (api.BootOverride, error)) fleet[api.BootOverride] {
	return fleet[api.BootOverride]{do: do, rows: func(o api.BootOverride) []string { return []string{bootText(o)} }, same: bootText}
}

// bootText says what an override means.
func bootText(o api.BootOverride) string {
	device := o.Device
	switch device {
	case "none":
		return "the firmware's own order"
	case "http":
		device = "network by HTTP boot"
	}
	return device + map[bool]string{true: ", every time", false: ", once"}[o.Persistent]
}
