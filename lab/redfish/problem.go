package redfish

import (
	"errors"
	"fmt"
	"net/http"
)

// problem is an answer that is not a success, with a message of the Base registry (DSP0268).
type problem struct {
	status   int
	id       string // of the message, without the registry
	text     string
	severity string
	property string // JSON pointer of the property it is about; may be empty
}

func (p *problem) Error() string { return p.text }

func problemf(status int, id, format string, args ...any) *problem {
	return &problem{status: status, id: id, text: fmt.Sprintf(format, args...), severity: "Critical"}
}

func (p *problem) about(property string) *problem {
	p.property = property
	return p
}

func notFound(path string) *problem {
	return problemf(http.StatusNotFound, "ResourceMissingAtURI", "The resource at the URI %s was not found.", path)
}

func unauthorized() *problem {
	return problemf(http.StatusUnauthorized, "NoValidSession",
		"There is no valid session established with the implementation.")
}

func valueNotInList(property, value string) *problem {
	return problemf(http.StatusBadRequest, "PropertyValueNotInList",
		"The value %q for the property %s is not in the list of acceptable values.", value, property).about("#/" + property)
}

// write sends err as the error body of DSP0266, section "Error responses".
func writeProblem(w http.ResponseWriter, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = problemf(http.StatusInternalServerError, "InternalError", "The request failed due to an internal service error: %v.", err)
	}
	message := map[string]any{
		"@odata.type": "#Message.v1_1_2.Message",
		"MessageId":   "Base.1.13." + p.id,
		"Message":     p.text,
		"Severity":    p.severity,
		"Resolution":  "See the message.",
	}
	if p.property != "" {
		message["RelatedProperties"] = []string{p.property}
	}
	writeJSON(w, p.status, object{"error": object{
		"code":                  "Base.1.13." + p.id,
		"message":               p.text,
		"@Message.ExtendedInfo": []any{message},
	}})
}
