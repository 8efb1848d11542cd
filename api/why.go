package api

import (
	"context"
	"net/http"
	"time"
)

// Why is the answer of GET /api/v1/machines/{ref}/why: the story of the machine's last boot, and the verdict.
type Why struct {
	Machine  string     `json:"machine"`
	Since    *time.Time `json:"since,omitempty" doc:"when this boot began"`
	Attempt  int        `json:"attempt" doc:"which boot in a row without a word of the agent, from 1"`
	Verdict  Verdict    `json:"verdict"`
	Story    []Sentence `json:"story"`
	Evidence []Evidence `json:"evidence" doc:"of this boot, oldest first"`
}

// The standings of a boot.
const (
	StandingBoots  = "boots"
	StandingGoing  = "booting"
	StandingStuck  = "stuck"
	StandingAbsent = "absent"
)

// Verdict is why a boot stands where it stands. docs/why.md lists all of them.
type Verdict struct {
	ID         string `json:"id" doc:"stable name, as in docs/why.md"`
	Standing   string `json:"standing" enum:"boots,booting,stuck,absent"`
	What       string `json:"what" doc:"what happened, in plain words"`
	Check      string `json:"check" doc:"what to look at or do"`
	Confidence string `json:"confidence" enum:"certain,likely,possible"`
	Support    []int  `json:"support" doc:"indexes of the evidence that it is drawn from"`
}

// Sentence is one step of the story.
type Sentence struct {
	Time  time.Time `json:"time"`
	Until time.Time `json:"until" doc:"time of the last, when it happened several times in a row"`
	Times int       `json:"times"`
	Text  string    `json:"text"`
	First int       `json:"first" doc:"index of the evidence that it begins with"`
}

// Why tells the story of a machine's last boot, and why it stands where it stands.
func (c *Client) Why(ctx context.Context, ref string) (Why, error) {
	var w Why
	return w, c.request(ctx, http.MethodGet, PathMachines+"/"+segment(ref)+"/why", nil, nil, &w)
}
