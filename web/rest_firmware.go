package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

// maxOrder bounds the names of machines in an order, in bytes.
const maxOrder = 1 << 20

type (
	reportInput struct {
		MachineRef
		Baseline string `query:"baseline" maxLength:"64" doc:"empty: the only one there is"`
	}
	updateInput   struct{ Body api.UpdateRequest }
	campaignInput struct {
		ID string `path:"id" maxLength:"64" doc:"or newest"`
	}
	stopInput struct {
		campaignInput
		Body api.StopRequest
	}
)

// id is the campaign's; empty is the newest.
func (i campaignInput) id() string {
	if i.ID == "newest" {
		return ""
	}
	return i.ID
}

func (s *Server) restFirmware(a huma.API) {
	restDocument(s, a, post("put-baseline", api.PathBaselines, "Store a new version of a firmware baseline (YAML or JSON), or every error with its line", "firmware"), s.o.Baselines.PutBaseline,
		get("get-baseline", api.PathBaselines+"/{name}", "Read a firmware baseline as it was put", "firmware"), s.o.Baselines.Baseline)
	register(s, a, get("list-baselines", api.PathBaselines, "List all versions of the firmware baselines", "firmware"),
		func(ctx context.Context, _ *none) (*body[api.BaselineList], error) {
			all, err := s.o.Baselines.Baselines(ctx)
			return &body[api.BaselineList]{api.BaselineList{Baselines: documentsOut(all)}}, err
		})
	register(s, a, get("report-firmware", api.PathMachines+"/{ref}/bmc/firmware/report", "Ask a BMC what firmware runs, and compare it with a baseline", "firmware"),
		func(ctx context.Context, in *reportInput) (*body[api.FirmwareReport], error) {
			ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
			defer cancel()
			r, err := s.o.Baselines.FirmwareReport(ctx, in.Ref, in.Baseline)
			return &body[api.FirmwareReport]{r}, err
		})
	s.restCampaigns(a)
}

func (s *Server) restCampaigns(a huma.API) {
	order := post("update-firmware", api.PathCampaigns, "Bring machines to a firmware baseline, wave by wave; it goes on by itself", "firmware")
	order.MaxBodyBytes = maxOrder
	register(s, a, order, func(ctx context.Context, in *updateInput) (*body[api.Campaign], error) {
		return campaign(s.o.Campaigns.UpdateFirmware(ctx, actor(ctx), in.Body))
	})
	register(s, a, get("list-campaigns", api.PathCampaigns, "List firmware campaigns without their machines, the newest first", "firmware"),
		func(ctx context.Context, _ *none) (*body[api.CampaignList], error) {
			all, err := s.o.Campaigns.Campaigns(ctx)
			out := api.CampaignList{Campaigns: []api.Campaign{}}
			for _, c := range all {
				out.Campaigns = append(out.Campaigns, campaignOut(c))
			}
			return &body[api.CampaignList]{out}, err
		})
	at := func(verb string) string { return api.PathCampaigns + "/{id}" + verb }
	register(s, a, get("get-campaign", at(""), "Read how far a firmware campaign is", "firmware"), func(ctx context.Context, in *campaignInput) (*body[api.Campaign], error) {
		return campaign(s.o.Campaigns.Campaign(ctx, in.id()))
	})
	register(s, a, post("stop-campaign", at("/stop"), "Begin nothing new; what is under way goes to its end", "firmware"),
		func(ctx context.Context, in *stopInput) (*body[api.Campaign], error) {
			return campaign(s.o.Campaigns.StopCampaign(ctx, actor(ctx), in.id(), in.Body.End))
		})
	register(s, a, post("resume-campaign", at("/resume"), "Go on, with the machines that failed or were skipped", "firmware"),
		func(ctx context.Context, in *campaignInput) (*body[api.Campaign], error) {
			return campaign(s.o.Campaigns.ResumeCampaign(ctx, actor(ctx), in.id()))
		})
}

func campaign(c inventory.Campaign, err error) (*body[api.Campaign], error) {
	return &body[api.Campaign]{campaignOut(c)}, err
}

func campaignOut(c inventory.Campaign) api.Campaign {
	out := api.Campaign{
		ID: c.ID, State: "running", Baseline: c.Baseline, Version: c.Version, Waves: []string{}, Wave: c.Wave + 1, Parallel: c.Parallel, Active: c.Active,
		Actor: c.Actor, Began: c.Began, Stopped: timeOut(c.Stopped), Ended: timeOut(c.Ended), Reason: c.Reason,
	}
	switch {
	case !c.Open():
		out.State = "ended"
	case !c.Running() && c.Count(inventory.UpdateWorking) > 0:
		out.State = "stopping"
	case !c.Running():
		out.State = "stopped"
	}
	for _, w := range c.Waves {
		out.Waves = append(out.Waves, w.String())
	}
	for _, u := range c.Updates {
		m := api.CampaignMachine{Machine: u.Name, State: string(u.State), Reason: u.Reason, Since: timeOut(u.Since)}
		if u.State != inventory.UpdateWaiting {
			m.Wave = u.Wave + 1
		}
		for _, i := range u.Items {
			phase := string(i.Phase)
			if i.Phase == inventory.PhaseWaiting {
				phase = "waiting"
			}
			m.Items = append(m.Items, api.CampaignItem{Component: i.Component, From: i.From, Asks: i.Asks, Phase: phase})
		}
		out.Machines = append(out.Machines, m)
	}
	return out
}
