package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/web/ui"
)

// maxMetric bounds what a page may ask for.
const maxMetric = 128

// outliersPage shows who is not like the others, and how what was measured is spread.
func (s *Server) outliersPage(c echo.Context) error {
	q := api.OutlierQuery{Metric: c.QueryParam("metric")}
	if len(q.Metric) > maxMetric {
		return newProblem(http.StatusUnprocessableEntity, "the name of the metric is longer than 128 bytes")
	}
	r, err := s.o.Outliers.Outliers(c.Request().Context(), q)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.NewOutliers(r, q.Metric))
}
