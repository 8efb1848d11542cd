package provision

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// campaignArgs is "see how far this campaign is, and begin what is next".
type campaignArgs struct {
	Campaign string `json:"campaign" river:"unique"`
}

// Kind implements river.JobArgs.
func (campaignArgs) Kind() string { return "campaign" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (campaignArgs) InsertOpts() river.InsertOpts {
	return endless(updateQueue)
}

type campaignWorker struct{ worker[campaignArgs] }

// Work implements river.Worker.
func (w *campaignWorker) Work(ctx context.Context, job *river.Job[campaignArgs]) error {
	return later(w.engine.steerCampaign(ctx, job.Args.Campaign))
}

// updateArgs is "do the next thing for the firmware of this machine".
type updateArgs struct {
	Campaign string `json:"campaign" river:"unique"`
	Machine  string `json:"machine" river:"unique"`
}

// Kind implements river.JobArgs.
func (updateArgs) Kind() string { return "update" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (updateArgs) InsertOpts() river.InsertOpts {
	return endless(updateQueue)
}

type updateWorker struct{ worker[updateArgs] }

// Timeout implements river.Worker: a file may have to be pushed, and a BMC's restart is waited for.
func (*updateWorker) Timeout(*river.Job[updateArgs]) time.Duration { return 20 * time.Minute }

// Work implements river.Worker.
func (w *updateWorker) Work(ctx context.Context, job *river.Job[updateArgs]) error {
	return later(w.engine.updateFirmware(ctx, job.Args.Campaign, job.Args.Machine))
}

func (e *Engine) queueCampaign(ctx context.Context, id string) error {
	return e.insert(ctx, campaignArgs{Campaign: id}, "a firmware campaign")
}

// sweepCampaigns sees that no campaign was forgotten.
func (e *Engine) sweepCampaigns(ctx context.Context) error {
	all, err := e.Store.Campaigns(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Open() {
			return e.queueCampaign(ctx, c.ID) // there is one at most
		}
	}
	return nil
}
