package web

import (
	"context"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/web/ui"
)

// Papers makes what is printed and sent. What cannot be made as it was asked for is an *api.Problem.
type Papers interface {
	Labels(ctx context.Context, q api.LabelQuery) (api.File, error)
	RMA(ctx context.Context, q api.RMAQuery) (api.ClaimList, error)
	RMAFile(ctx context.Context, q api.RMAQuery, format string) (api.File, error)
}

type (
	labelInput struct {
		Machines string `query:"machines" maxLength:"10000" doc:"a range of names, r1u[1-40]; empty: all"`
		Rack     string `query:"rack" maxLength:"300" doc:"the rack's name, alone or with what it stands in; empty: all"`
		Format   string `query:"format" enum:"pdf,zpl" default:"pdf"`
		Layout   string `query:"layout" maxLength:"100" doc:"a name (a4-3x7), a product that has it (L7160), or measures in mm: 50x25 is a roll, 3x8@70x37 labels on A4, 3x7@63.5x38.1+2.54x0 with gaps"`
		Start    int    `query:"start" minimum:"0" maximum:"1000" doc:"the first label of the first sheet that is not gone yet, from 1"`
		DPI      int    `query:"dpi" minimum:"0" maximum:"600" doc:"of a printer that takes ZPL: 203, 300 or 600; 0: 203"`
		Cables   bool   `query:"cables" doc:"labels for both ends of the planned cables, instead of servers"`
		Outline  bool   `query:"outline" doc:"draw the edges of labels, for plain paper"`
	}
	// ClaimFilter chooses claims; huma reads what is embedded only when it is exported.
	ClaimFilter struct {
		Machines string `query:"machines" maxLength:"10000" doc:"a range of names, r1u[1-40]; empty: all"`
		Rack     string `query:"rack" maxLength:"300" doc:"the rack's name, alone or with what it stands in; empty: all"`
		Vendor   string `query:"vendor" maxLength:"200" doc:"empty: all"`
		Delivery string `query:"delivery" maxLength:"200" doc:"number; empty: all"`
	}
	rmaFileInput struct {
		ClaimFilter
		Format string `query:"format" enum:"csv,pdf" default:"csv"`
	}
)

func (in labelInput) query() api.LabelQuery { return api.LabelQuery(in) }

func (s *Server) restPapers(a huma.API) {
	register(s, a, get("get-labels", api.PathLabels, "Make labels of servers or cables, as PDF or for label printers (ZPL)", "papers"),
		func(ctx context.Context, in *labelInput) (*archiveBody, error) {
			f, err := s.o.Papers.Labels(ctx, in.query())
			return fileBody(f), err
		})
	register(s, a, get("list-rma", api.PathRMA, "List the parts that vendors are to replace or to deliver", "papers"),
		func(ctx context.Context, in *ClaimFilter) (*body[api.ClaimList], error) {
			list, err := s.o.Papers.RMA(ctx, api.RMAQuery(*in))
			return &body[api.ClaimList]{list}, err
		})
	register(s, a, get("get-rma-file", api.PathRMAFile, "The list of one vendor, to send (CSV or PDF)", "papers"),
		func(ctx context.Context, in *rmaFileInput) (*archiveBody, error) {
			f, err := s.o.Papers.RMAFile(ctx, api.RMAQuery(in.ClaimFilter), in.Format)
			return fileBody(f), err
		})
}

func fileBody(f api.File) *archiveBody {
	return &archiveBody{f.ContentType, mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}), f.Body}
}

// claimQuery reads which claims a page is of.
func claimQuery(c echo.Context) (api.RMAQuery, error) {
	q := api.RMAQuery{Machines: c.QueryParam("machines"), Rack: c.QueryParam("rack"), Delivery: c.QueryParam("delivery"), Vendor: c.QueryParam("vendor")}
	for _, v := range []string{q.Machines, q.Rack, q.Delivery, q.Vendor} {
		if len(v) > maxPlace {
			return q, newProblem(http.StatusUnprocessableEntity, "the range, rack, delivery or vendor is longer than 300 bytes")
		}
	}
	return q, nil
}

// claimsPage shows what vendors are to replace or to deliver, with a list for each to send.
func (s *Server) claimsPage(c echo.Context) error {
	q, err := claimQuery(c)
	if err != nil {
		return err
	}
	list, err := s.o.Papers.RMA(c.Request().Context(), q)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.NewClaims(list, q))
}

// claimsFile is the list of one vendor, for the browser.
func (s *Server) claimsFile(c echo.Context) error {
	q, err := claimQuery(c)
	if err != nil {
		return err
	}
	format := c.QueryParam("format")
	if format != "csv" && format != "pdf" {
		return newProblem(http.StatusUnprocessableEntity, "the format is csv or pdf")
	}
	f, err := s.o.Papers.RMAFile(c.Request().Context(), q, format)
	if err != nil {
		return err
	}
	return attach(c, f)
}

// labelsPage is a rack's labels, for the browser.
func (s *Server) labelsPage(c echo.Context) error {
	f, err := s.o.Papers.Labels(c.Request().Context(), api.LabelQuery{Rack: c.QueryParam("rack"), Format: c.QueryParam("format")})
	if err != nil {
		return err
	}
	return attach(c, f)
}

// attach has the browser keep a file.
func attach(c echo.Context, f api.File) error {
	out := fileBody(f)
	c.Response().Header().Set(echo.HeaderContentDisposition, out.ContentDisposition)
	return c.Blob(http.StatusOK, out.ContentType, out.Body)
}
