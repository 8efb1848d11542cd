package api

import "fmt"

// ContentTypeProblem is the media type of every error answer (RFC 9457).
const ContentTypeProblem = "application/problem+json"

// Problem is an error answer.
type Problem struct {
	Type   string        `json:"type,omitempty"` // "about:blank" or a page of the documentation
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail,omitempty"`
	Code   string        `json:"code,omitempty"` // stable, for programs; one of the Err constants
	Errors []ErrorDetail `json:"errors,omitempty"`
}

// ErrorDetail is one of several errors in one input.
type ErrorDetail struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty"` // e.g. "line 12, column bmc_mac"
	Value    string `json:"value,omitempty"`
}

// Codes of problems.
const (
	ErrNotFound     = "not-found"
	ErrConflict     = "conflict" // somebody else changed it meanwhile, or the life cycle has no such road
	ErrInvalid      = "invalid"
	ErrUnauthorized = "unauthorized"
	ErrForbidden    = "forbidden"
	ErrHeld         = "held"        // the machine is on hold
	ErrSerial       = "serial"      // the serial that was confirmed is not the machine's
	ErrUnavailable  = "unavailable" // the database or a subsystem does not answer; try again
	ErrInternal     = "internal"
)

// Error makes a Problem an error.
func (p *Problem) Error() string {
	s := p.Title
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	for _, e := range p.Errors {
		s += fmt.Sprintf("\n  %s: %s", e.Location, e.Message)
	}
	return s
}
