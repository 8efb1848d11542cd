package web

import (
	"context"
	"net/netip"

	"socle/api"
	"socle/inventory"
	"socle/inventory/verdict"
)

// whyEvidence is how many lines of evidence a verdict is drawn from; boots before the last one are for
// comparison.
const whyEvidence = 1000

func (s *Server) why(ctx context.Context, in *MachineRef) (*body[api.Why], error) {
	m, err := s.o.Inventory.Machine(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	a, err := s.judge(ctx, m)
	if err != nil {
		return nil, err
	}
	return &body[api.Why]{whyOut(m.Name, a)}, nil
}

// judge draws the verdict on a machine's last boot.
func (s *Server) judge(ctx context.Context, m inventory.Machine) (verdict.Answer, error) {
	lines, err := s.o.History.Evidence(ctx, m.ID, whyEvidence)
	if err != nil {
		return verdict.Answer{}, err
	}
	return verdict.Judge(verdict.Case{Machine: m, Evidence: verdict.InOrder(lines), Now: s.o.Now()}), nil
}

func whyOut(name string, a verdict.Answer) api.Why {
	v := a.Verdict
	w := api.Why{
		Machine: name, Since: timeOut(a.Since), Attempt: a.Attempt, Story: []api.Sentence{}, Evidence: []api.Evidence{},
		Verdict: api.Verdict{ID: v.ID, Standing: string(v.Standing), What: v.What, Check: v.Check, Confidence: string(v.Confidence),
			Support: append([]int{}, v.Support...)},
	}
	for _, s := range a.Story {
		w.Story = append(w.Story, api.Sentence{Time: s.Time, Until: s.Until, Times: s.Times, Text: s.Text, First: s.First})
	}
	for _, e := range a.Evidence {
		w.Evidence = append(w.Evidence, evidenceOut(e))
	}
	return w
}

func evidenceOut(e inventory.Evidence) api.Evidence {
	return api.Evidence{
		Time: e.Time, MAC: e.MAC, Source: e.Source, Asked: e.Asked, Reply: e.Reply, Bytes: e.Bytes,
		Kind: string(e.Kind), Outcome: string(e.Outcome), Client: string(e.Client), Arch: e.Arch, File: e.File, Total: e.Total,
		Address: addrText(e.Addr), Peer: addrText(e.Peer), PeerMAC: e.PeerMAC, Interface: e.Iface, Relay: addrText(e.Relay), Port: e.Port,
	}
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
