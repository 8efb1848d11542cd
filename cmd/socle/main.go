// Command socle is the server, its command line and the lab in one binary.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"socle/internal/secret"
)

// version is set by the linker.
var version = "dev"

func main() {
	if err := secret.LockDown(); err != nil {
		fmt.Fprintln(os.Stderr, "socle:", err)
		os.Exit(exitFailed)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "socle:", err)
		if h := hint(err); h != "" {
			fmt.Fprintln(os.Stderr, "socle:", h)
		}
		os.Exit(exitCode(err))
	}
}

// newRoot puts the commands together; each lives in the file of its name.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "socle",
		Version:       version,
		Short:         "Socle turns racks of raw servers into the nodes of a cloud",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServeCmd(), newMachineCmd(), newPowerCmd(), newBootCmd(), newConsoleCmd(), newBMCCmd(), newFirmwareCmd(), newTestCmd(), newLocateCmd(), newAlarmsCmd(), newFindingsCmd(), newEventsCmd(), newWhyCmd(), newProbeCmd(), newManifestCmd(), newBuildoutCmd(), newKeyringCmd(),
		newImageCmd(recipes(), tarDisk), newLabCmd(), newSimulateCmd())
	root.AddCommand(newOutliersCmd(), newCompareCmd(), newSearchCmd(), newPlanCmd())
	root.AddCommand(newDeliveryCmd())
	root.AddCommand(newCablingCmd())
	root.AddCommand(newNetBoxCmd())
	root.AddCommand(newLabelCmd(), newRMACmd(), newPartCmd())
	root.AddCommand(newPlaceCmd(), newRackCmd(), newStackCmd())
	root.AddCommand(newSnapshotCmd())
	root.AddCommand(newModelCmd())
	root.AddCommand(newAcceptCmd(), newCriteriaCmd(), newWaiverCmd(), newAcceptedCmd())
	strict(root)
	flagErrors(root)
	return root
}
