package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory"
)

func TestProblemOf(t *testing.T) {
	s := closed(t)
	for _, tc := range []struct {
		err    error
		status int
		code   string
	}{
		{fmt.Errorf("reading machine x: %w", inventory.ErrNotFound), http.StatusNotFound, api.ErrNotFound},
		{fmt.Errorf("reading machine x: %w", inventory.ErrAmbiguous), http.StatusConflict, api.ErrConflict},
		{fmt.Errorf("moving x: %w", inventory.ErrTransition), http.StatusConflict, api.ErrConflict},
		{inventory.ErrNoToken, http.StatusUnauthorized, api.ErrUnauthorized},
		{fmt.Errorf("wrapped: %w", api.NewProblem(http.StatusConflict, api.ErrHeld, "held")), http.StatusConflict, api.ErrHeld},
		{&api.Problem{}, http.StatusInternalServerError, api.ErrInternal},
		{&api.Problem{Status: 9999}, http.StatusInternalServerError, api.ErrInternal},
		{echo.ErrNotFound, http.StatusNotFound, api.ErrNotFound},
		{echo.ErrMethodNotAllowed, http.StatusMethodNotAllowed, "method-not-allowed"},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, api.ErrUnavailable},
		{fmt.Errorf("changing x: %w (database or disk is full)", inventory.ErrNoRoom), http.StatusInsufficientStorage, api.ErrUnavailable},
		{errors.New("disk on fire"), http.StatusInternalServerError, api.ErrInternal},
	} {
		p := s.problemOf(t.Context(), tc.err)
		if p.Status != tc.status || p.Code != tc.code || p.Title == "" {
			t.Errorf("%v: %+v, want %d %s", tc.err, p, tc.status, tc.code)
		}
	}
}
