package inventory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
)

func TestParseWaves(t *testing.T) {
	for text, want := range map[string]string{"": "[1 10% 100%]", "1,10%,100%": "[1 10% 100%]", " 2 , 50% ": "[2 50% 100%]", "100%": "[100%]"} {
		got, err := inventory.ParseWaves(text)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"0", "-1", "101%", "x", "1,,2", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21"} {
		if got, err := inventory.ParseWaves(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
	sizes := []int{inventory.Wave{Count: 1}.Of(12), inventory.Wave{Percent: 10}.Of(12), inventory.Wave{Percent: 100}.Of(12), inventory.Wave{Percent: 1}.Of(12), inventory.Wave{Count: 99}.Of(12)}
	if diff := cmp.Diff([]int{1, 2, 12, 1, 12}, sizes); diff != "" {
		t.Error(diff)
	}
}

// TestCampaignGoesInWaves plays a campaign of ten machines: one is skipped and one needs nothing, which makes no wave
// smaller.
func TestCampaignGoesInWaves(t *testing.T) {
	c := inventory.Campaign{Waves: []inventory.Wave{{Count: 1}, {Percent: 30}, {Percent: 100}}, Parallel: 4}
	for i := range 10 {
		c.Updates = append(c.Updates, inventory.Update{Machine: fmt.Sprint(i), State: inventory.UpdateWaiting})
	}
	special := map[string]inventory.UpdateState{"0": inventory.UpdateSkipped, "2": inventory.UpdateUnneeded}
	var rounds []string
	for {
		begin, over := c.Next()
		if over {
			break
		}
		round := fmt.Sprintf("wave %d:", c.Wave)
		for _, u := range begin {
			round += " " + u.Machine
			if u.State = special[u.Machine]; u.State == "" {
				u.State = inventory.UpdateDone
			}
		}
		rounds = append(rounds, round)
	}
	want := []string{"wave 0: 0", "wave 0: 1", "wave 1: 2 3", "wave 1: 4", "wave 2: 5 6 7 8", "wave 2: 9"}
	if diff := cmp.Diff(want, rounds); diff != "" {
		t.Error(diff)
	}
}

// TestCampaignStops: after a failure nothing is begun, and what is under way is waited for.
func TestCampaignStops(t *testing.T) {
	c := inventory.Campaign{Waves: []inventory.Wave{{Percent: 100}}, Parallel: 2, Updates: []inventory.Update{
		{State: inventory.UpdateFailed}, {State: inventory.UpdateWorking}, {State: inventory.UpdateWaiting},
	}}
	if begin, over := c.Next(); len(begin) > 0 || over {
		t.Errorf("%v, %v", begin, over)
	}
	c.Updates[1].State = inventory.UpdateDone
	if begin, over := c.Next(); len(begin) > 0 || !over {
		t.Errorf("%v, %v", begin, over)
	}
	c.Updates[0].State = inventory.UpdateWaiting
	c.Stopped = time.Now()
	if begin, over := c.Next(); len(begin) > 0 || !over {
		t.Errorf("stopped: %v, %v", begin, over)
	}
}
