package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"socle/api"
)

// Exit codes, for scripts.
const (
	exitFailed      = 1 // anything else
	exitUsage       = 2 // wrong flags or arguments, or input that the server refused as invalid
	exitNotFound    = 3 // no such machine
	exitDenied      = 4 // the token is missing, wrong or not enough
	exitConflict    = 5 // the state of things forbids it: held, changed meanwhile, no such road
	exitUnavailable = 6 // the server cannot be reached or cannot answer now: try again
)

// exitCodes is the same for the help of commands.
const exitCodes = `Exit codes: 0 done, 1 failed, 2 wrong usage or invalid input, 3 not found, 4 not allowed,
5 held or in conflict, 6 server not reachable or not available.`

// usageError marks an error of the command line.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

// group makes a command one that only holds others: without one of them it shows its help, with an unknown one
// it is wrong usage.
func group(cmd *cobra.Command) {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		cmd.SuggestionsMinimumDistance = 1 // more makes "on" of any short word
		hint := "see " + cmd.CommandPath() + " --help"
		if close := cmd.SuggestionsFor(args[0]); len(close) > 0 {
			hint = "did you mean " + strings.Join(close, " or ") + "? Else " + hint
		}
		return usageError{fmt.Errorf("unknown command %q: %s", args[0], hint)}
	}
	cmd.Args = cobra.ArbitraryArgs // RunE says it better
	flagErrors(cmd)
}

// strict makes every wrong call of a command, and of those below it, wrong usage.
func strict(cmd *cobra.Command) {
	switch {
	case cmd.HasSubCommands() && !cmd.Runnable():
		group(cmd)
	case cmd.Args != nil:
		cmd.Args = args(cmd.Args)
	}
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

// flagErrors makes wrong flags of a command, and of those below it, wrong usage.
func flagErrors(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w: see %s --help", err, c.CommandPath())}
	})
}

// args makes a wrong number of arguments wrong usage.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, list []string) error {
		err := check(cmd, list)
		if err == nil || errors.As(err, new(usageError)) {
			return err
		}
		return usageError{fmt.Errorf("%s takes other arguments: use it as %q, see %s --help", cmd.CommandPath(), cmd.UseLine(), cmd.CommandPath())}
	}
}

// hint is what a person may do about an error that came from elsewhere; empty when the error says it itself.
func hint(err error) string {
	if exitCode(err) == exitDenied {
		return "the token was read from --token-file, else from the file admin-token in --data-dir: it must be the one of this server"
	}
	return ""
}

// verdictError says, in one line and with an exit code of its own, that what a command looked at is not as it should be; what
// it saw was printed already.
type verdictError struct {
	code int
	text string
}

// Error implements error.
func (e verdictError) Error() string { return e.text }

func (e verdictError) exitCode() int { return e.code }

// exitCode chooses the process's exit code for an error.
func exitCode(err error) int {
	var (
		p *api.Problem
		u usageError
		v interface{ exitCode() int }
	)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &u):
		return exitUsage
	case errors.As(err, &v):
		return v.exitCode()
	case errors.Is(err, api.ErrUnreachable):
		return exitUnavailable
	case !errors.As(err, &p):
		return exitFailed
	}
	switch p.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return exitUsage
	case http.StatusNotFound:
		return exitNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitDenied
	case http.StatusConflict, http.StatusLocked:
		return exitConflict
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInsufficientStorage:
		return exitUnavailable
	}
	return exitFailed
}
