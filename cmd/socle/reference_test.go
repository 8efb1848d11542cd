package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

const referenceHead = `# The command line

Generated from the commands; do not edit. ` + "`socle COMMAND --help`" + ` says the same. Every command has ` + "`-h, --help`" + `.
Defaults are those without any of the environment's variables that the flags name.

| exit code | means |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | wrong usage, or input that the server refused as invalid |
| 3 | no such machine |
| 4 | not allowed: the token is missing, wrong or not enough |
| 5 | the state of things forbids it: held, in conflict, changed meanwhile |
| 6 | the server cannot be reached, or cannot answer now: try again |
`

// reference is docs/cli.md.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(referenceHead)
	client := &cobra.Command{}
	addClientFlags(client)
	addOutputFlag(client)
	names := []string{}
	for _, c := range root.Commands() {
		if speaksToServer(c) {
			names = append(names, "`"+c.Name()+"`")
		}
	}
	fmt.Fprintf(&b, "\n## Flags of all commands that speak to a server\n\nThese are %s.\n", strings.Join(names, ", "))
	b.WriteString(flagTable(client.PersistentFlags(), "meaning"))
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" && c.Name() != "completion" {
			describeCommand(&b, c, "##")
		}
	}
	return b.String()
}

func describeCommand(b *strings.Builder, c *cobra.Command, level string) {
	fmt.Fprintf(b, "\n%s %s\n\n%s.\n", level, c.CommandPath(), c.Short)
	if !c.HasAvailableSubCommands() {
		fmt.Fprintf(b, "\n    %s\n", c.UseLine())
	}
	if len(c.Aliases) > 0 {
		fmt.Fprintf(b, "\nAlso called `%s`.\n", strings.Join(c.Aliases, "`, `"))
	}
	long := strings.TrimPrefix(strings.ReplaceAll(c.Long, exitCodes, ""), c.Short+".")
	if long = strings.TrimSpace(long); long != "" {
		fmt.Fprintf(b, "\n%s\n", item.ReplaceAllString(long, "- `$1`: $2"))
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\nFor example:\n\n    %s\n", strings.TrimSpace(c.Example))
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !speaksToServer(c) || !clientFlag[f.Name] {
			flags.AddFlag(f)
		}
	})
	if c.HasAvailableSubCommands() {
		b.WriteString(flagTable(flags, "for all of them"))
	} else {
		b.WriteString(flagTable(flags, "meaning"))
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			describeCommand(b, sub, level+"#")
		}
	}
}

// clientFlag are the flags that addClientFlags and addOutputFlag make.
var clientFlag = map[string]bool{"server": true, "token-file": true, "ca-file": true, "ca-fingerprint": true, "data-dir": true, "timeout": true, "output": true}

func speaksToServer(c *cobra.Command) bool {
	return c.PersistentFlags().Lookup("ca-fingerprint") != nil
}

// item is a line of a list in a help text.
var item = regexp.MustCompile(`(?m)^  (\S+) +(.*)$`)

func flagTable(flags *pflag.FlagSet, head string) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		kind, usage := pflag.UnquoteUsage(f)
		value := f.DefValue
		if value == "[]" || f.Value.Type() == "bool" {
			value = ""
		}
		if value != "" {
			value = "`" + value + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, kind, value, strings.ReplaceAll(usage, "|", `\|`))
	})
	if b.Len() == 0 {
		return ""
	}
	return "\n| flag | value | default | " + head + " |\n|---|---|---|---|\n" + b.String()
}

// TestReferenceIsCurrent compares docs/cli.md with the commands.
func TestReferenceIsCurrent(t *testing.T) {
	for _, name := range []string{"SOCLE_SERVER", "SOCLE_TOKEN_FILE", "SOCLE_CA_FILE", "SOCLE_CA_FINGERPRINT", "SOCLE_DATA_DIR"} {
		t.Setenv(name, "") // a default that comes from here would be this host's
	}
	const file = "../../docs/cli.md"
	want := reference(newRoot())
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/cli.md is not what the commands say; run `make generate` (-want +got):\n%s", diff)
	}
}

// TestCommandsExplainThemselves: no command or flag without a word of help.
func TestCommandsExplainThemselves(t *testing.T) {
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if c.Short == "" && !c.Hidden {
			t.Errorf("%s has no short description", c.CommandPath())
		}
		if strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its short description ends with a period", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: flag --%s is not explained", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(newRoot())
}
