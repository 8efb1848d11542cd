package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"socle/lab/demo"
)

// newDemoCmds are the demo and its end.
func newDemoCmds(f *labFlags) []*cobra.Command {
	var stateDir string
	var leave bool
	options := func(cmd *cobra.Command) (demo.Options, error) {
		spec, err := f.load()
		if err != nil {
			return demo.Options{}, err
		}
		self, err := os.Executable()
		if err != nil {
			return demo.Options{}, fmt.Errorf("finding this program: %w", err)
		}
		if stateDir == "" { // beside bin/, wherever it is called from
			stateDir = filepath.Join(filepath.Dir(filepath.Dir(self)), "var", "demo")
		}
		dir, err := filepath.Abs(stateDir)
		return demo.Options{Program: self, StateDir: dir, Spec: spec, Out: cmd.OutOrStdout(), Log: f.log(), Leave: leave}, err
	}
	up := &cobra.Command{
		Use: "demo", Short: "Show the main job: boot, inspect, deploy and verify a virtual rack", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := options(cmd)
			if err != nil {
				return err
			}
			return demo.Run(cmd.Context(), o)
		},
	}
	up.Flags().BoolVar(&leave, "leave", false, "take everything down once the job is done")
	down := &cobra.Command{
		Use: "demo-down", Short: "Stop the demo and leave nothing behind", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := options(cmd)
			if err != nil {
				return err
			}
			return demo.Down(cmd.Context(), o)
		},
	}
	for _, c := range []*cobra.Command{up, down} {
		c.Flags().StringVar(&stateDir, "demo-dir", "", "where the demo keeps what it needs (default: var/demo beside the program's folder)")
	}
	return []*cobra.Command{up, down}
}
