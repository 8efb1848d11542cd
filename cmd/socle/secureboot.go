package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
)

// newSecureBootCmd is "socle bmc secureboot".
func newSecureBootCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "secureboot", Short: "See to the Secure Boot of machines and its keys, through their BMCs",
		Long: "What is ordered comes into force at the next boot, as with other settings of the firmware.\n\n" + exitCodes,
	}
	group(cmd)
	cmd.AddCommand(secureBootShowCmd(), secureBootSwitchCmd("enable", true), secureBootSwitchCmd("disable", false), secureBootKeysCmd())
	return cmd
}

func secureBootShowCmd() *cobra.Command {
	return patient(rangeCmd("show", "Read the state of Secure Boot, and its keys where the BMC shows them", nil, func() fleet[api.SecureBoot] {
		return fleet[api.SecureBoot]{
			do: func(ctx context.Context, c *api.Client, name string) (api.SecureBoot, error) {
				return c.SecureBoot(ctx, name)
			},
			rows: func(s api.SecureBoot) []string {
				rows := []string{secureBootState(s)}
				for _, d := range s.Databases {
					rows = append(rows, fmt.Sprintf("%-4s %d certificates, %d other entries", d.Name, len(d.Certificates), d.Signatures))
					for _, c := range d.Certificates {
						until := "-"
						if c.NotAfter != nil {
							until = c.NotAfter.Format("2006-01-02")
						}
						rows = append(rows, fmt.Sprintf("     %-48s until %-10s %.16s", dash(c.Subject), until, dash(c.SHA256)))
					}
				}
				if s.Waiting != "" {
					rows = append(rows, "ordered settings: "+s.Waiting)
				}
				return rows
			},
			same: func(s api.SecureBoot) string {
				words := []string{secureBootState(s)}
				for _, d := range s.Databases {
					for _, c := range d.Certificates {
						words = append(words, d.Name+" "+c.Subject)
					}
				}
				return strings.Join(words, "; ")
			},
		}
	}), settingsLimit)
}

// secureBootState is the state in words.
func secureBootState(s api.SecureBoot) string {
	word := map[bool]string{true: "enabled", false: "disabled"}
	text := word[s.Active]
	if s.Enabled != s.Active {
		text += ", " + word[s.Enabled] + " at the next boot"
	}
	return text + ", " + dash(s.Mode)
}

// secureOrder is a command that orders something of Secure Boot.
func secureOrder(use, short string, flags func(*cobra.Command), r *api.SecureBootRequest) *cobra.Command {
	return patient(rangeCmd(use, short, func(cmd *cobra.Command) {
		orderFlags(&r.SettingsOrder)(cmd)
		if flags != nil {
			flags(cmd)
		}
	}, ordering(func(ctx context.Context, c *api.Client, name string) (api.SettingsReply, error) {
		return c.SetSecureBoot(ctx, name, *r)
	})), settingsLimit)
}

func secureBootSwitchCmd(use string, on bool) *cobra.Command {
	return secureOrder(use, strings.ToUpper(use[:1])+use[1:]+" Secure Boot, from the next boot on", nil, &api.SecureBootRequest{Enable: &on})
}

func secureBootKeysCmd() *cobra.Command {
	var r api.SecureBootRequest
	var reset string
	cmd := secureOrder("keys", "Put the factory's keys of Secure Boot in again, or delete keys", func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&reset, "reset", "", "what becomes of them: default (as the maker ships them), delete (all), or delete-pk (the platform key alone)")
	}, &r)
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, ranges []string) error {
		r.ResetKeys = map[string]string{"default": "ResetAllKeysToDefault", "delete": "DeleteAllKeys", "delete-pk": "DeletePK"}[reset]
		if r.ResetKeys == "" {
			return usageError{fmt.Errorf("--reset %q: use default, delete or delete-pk", reset)}
		}
		return run(cmd, ranges)
	}
	return cmd
}
