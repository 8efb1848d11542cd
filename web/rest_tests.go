package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

// maxMeasurements bounds one answer.
const maxMeasurements = 100000

// measurementInput chooses measurements.
type measurementInput struct {
	Machine string `query:"machine" maxLength:"200" doc:"name, ID or serial number of a machine; empty: of all"`
	Run     string `query:"run" maxLength:"100" doc:"of one run of tests"`
	Metric  string `query:"metric" maxLength:"100" doc:"such as disk.read.sequential"`
	History bool   `query:"history" doc:"all runs that are kept, instead of the newest of each metric"`
}

func (s *Server) restTests(a huma.API) {
	register(s, a, get("list-measurements", api.PathMeasurements, "List what tests measured, by machine, metric and subject, the newest first", "tests"), s.listMeasurements)
}

func (s *Server) listMeasurements(ctx context.Context, in *measurementInput) (*body[api.MeasurementList], error) {
	names, f := map[string]string{}, inventory.MeasurementFilter{Run: in.Run, Metric: in.Metric, Newest: !in.History && in.Run == ""}
	if in.Machine != "" {
		m, err := s.o.Inventory.Machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		f.Machine, names[m.ID] = m.ID, m.Name
	} else {
		all, err := s.o.Inventory.Roster(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			names[m.ID] = m.Name
		}
	}
	all, err := s.o.Measured.Measurements(ctx, f)
	if err != nil {
		return nil, err
	}
	out := api.MeasurementList{Measurements: make([]api.Measurement, 0, len(all)), More: len(all) > maxMeasurements}
	for _, x := range all[:min(len(all), maxMeasurements)] {
		out.Measurements = append(out.Measurements, api.Measurement{Machine: names[x.Machine], Run: x.Run, Time: x.Time,
			Measured: api.Measured{Metric: x.Metric, Subject: x.Subject, Part: x.Part, Value: x.Value, Unit: x.Unit, LowerIsBetter: x.LowerIsBetter}})
	}
	return &body[api.MeasurementList]{out}, nil
}
