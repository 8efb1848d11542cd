package disk

import (
	"errors"
	"fmt"

	"socle/api"
)

// Failure is an error with its code of the agent protocol.
type Failure struct {
	Code string // one of api's Code constants
	Err  error
}

// Error implements error.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives errors.Is and errors.As the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Refused tells whether nothing was done at all.
func (f *Failure) Refused() bool {
	switch f.Code {
	case api.CodeNoDisk, api.CodeDiskBusy, api.CodeTooSmall, api.CodeReadOnly, api.CodeBadParams, api.CodeNoBMC:
		return true
	default:
		return false
	}
}

func fail(code, format string, args ...any) error {
	return &Failure{Code: code, Err: fmt.Errorf(format, args...)}
}

// Code is an error's code; what has none is internal.
func Code(err error) string {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Code
	}
	return api.CodeInternal
}
