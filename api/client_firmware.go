package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// PutBaseline stores a new version of a baseline, in YAML or JSON.
func (c *Client) PutBaseline(ctx context.Context, text io.Reader) (Baseline, error) {
	return c.putDocument(ctx, PathBaselines, text)
}

func (c *Client) putDocument(ctx context.Context, path string, text io.Reader) (Document, error) {
	var out Document
	return out, c.send(ctx, http.MethodPost, path, nil, "application/yaml", text, &out)
}

// Baselines lists all versions of all baselines.
func (c *Client) Baselines(ctx context.Context) ([]Baseline, error) {
	var out BaselineList
	err := c.request(ctx, http.MethodGet, PathBaselines, nil, nil, &out)
	return out.Baselines, err
}

// Baseline reads a version of a baseline, 0: the newest.
func (c *Client) Baseline(ctx context.Context, name string, version int) (Baseline, error) {
	return c.document(ctx, PathBaselines, name, version)
}

func (c *Client) document(ctx context.Context, path, name string, version int) (Document, error) {
	q := url.Values{}
	if version > 0 {
		q.Set("version", strconv.Itoa(version))
	}
	var out Document
	return out, c.request(ctx, http.MethodGet, path+"/"+segment(name), q, nil, &out)
}

// FirmwareReport asks a machine's BMC what runs, and compares it with a baseline; "" is the only one there is.
func (c *Client) FirmwareReport(ctx context.Context, ref, baseline string) (FirmwareReport, error) {
	q := url.Values{}
	if baseline != "" {
		q.Set("baseline", baseline)
	}
	var out FirmwareReport
	return out, c.request(ctx, http.MethodGet, bmcPath(ref, "/firmware/report"), q, nil, &out)
}

// UpdateFirmware orders a campaign.
func (c *Client) UpdateFirmware(ctx context.Context, r UpdateRequest) (Campaign, error) {
	var out Campaign
	return out, c.request(ctx, http.MethodPost, PathCampaigns, nil, r, &out)
}

// Campaigns lists campaigns without their machines, the newest first.
func (c *Client) Campaigns(ctx context.Context) ([]Campaign, error) {
	var out CampaignList
	err := c.request(ctx, http.MethodGet, PathCampaigns, nil, nil, &out)
	return out.Campaigns, err
}

// Campaign reads one campaign; "newest" is the newest.
func (c *Client) Campaign(ctx context.Context, id string) (Campaign, error) {
	var out Campaign
	return out, c.request(ctx, http.MethodGet, PathCampaigns+"/"+segment(id), nil, nil, &out)
}

// StopCampaign lets a campaign begin nothing new; with end it is over when what is under way is.
func (c *Client) StopCampaign(ctx context.Context, id string, end bool) (Campaign, error) {
	return c.steer(ctx, id, "stop", StopRequest{End: end})
}

// ResumeCampaign lets a stopped campaign go on, with the machines that failed or were skipped.
func (c *Client) ResumeCampaign(ctx context.Context, id string) (Campaign, error) {
	return c.steer(ctx, id, "resume", nil)
}

func (c *Client) steer(ctx context.Context, id, verb string, body any) (Campaign, error) {
	var out Campaign
	return out, c.request(ctx, http.MethodPost, PathCampaigns+"/"+segment(id)+"/"+verb, nil, body, &out)
}
