package redfish

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// registry is that of the messages in errors (DSP0268, Base message registry).
const registry = "Base.1.13"

// problem is an answer that is not a success, with a message of the Base registry.
type problem struct {
	status   int
	id       string // of the message, without the registry
	text     string
	property string // JSON pointer of the property it is about; may be empty
	args     []string
}

func (p *problem) Error() string { return p.text }

func problemf(status int, id, format string, args ...any) *problem {
	return &problem{status: status, id: id, text: fmt.Sprintf(format, args...)}
}

func (p *problem) about(property string) *problem {
	p.property = property
	return p
}

// readOnly tells properties that the resource has and nobody can write from those that do not exist.
func (p *problem) readOnly(o object) *problem {
	name := strings.TrimPrefix(p.property, "#/")
	if _, has := o[name]; !has {
		return p
	}
	return problemf(http.StatusBadRequest, "PropertyNotWritable", "The property %s is a read only property and cannot be assigned a value.", name).about(p.property)
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

func valueFormat(property, value string) *problem {
	return problemf(http.StatusBadRequest, "PropertyValueFormatError",
		"The value %q for the property %s is not a format that the property can accept.", value, property).about("#/" + property)
}

func parameterNotInList(parameter, value, action string) *problem {
	return problemf(http.StatusBadRequest, "ActionParameterValueNotInList",
		"The value %q for the parameter %s in the action %s is not in the list of acceptable values.", value, parameter, action).about("#/" + parameter)
}

func missing(property string) *problem {
	return problemf(http.StatusBadRequest, "PropertyMissing",
		"The property %s is a required property and must be included in the request.", property).about("#/" + property)
}

func missingParameter(action, parameter string) *problem {
	return problemf(http.StatusBadRequest, "ActionParameterMissing",
		"The action %s requires the parameter %s to be present in the request body.", action, parameter).about("#/" + parameter)
}

func noOperation() *problem {
	return problemf(http.StatusBadRequest, "NoOperation", "The request body submitted contain no data to act upon.")
}

// write sends err as the error body of DSP0266, section "Error responses".
func writeProblem(w http.ResponseWriter, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = problemf(http.StatusInternalServerError, "InternalError", "The request failed due to an internal service error: %v.", err)
	}
	message := map[string]any{
		"@odata.type": "#Message.v1_1_2.Message",
		"MessageId":   registry + "." + p.id,
		"Message":     p.text,
		"Severity":    "Critical",
		"Resolution":  "See the message.",
	}
	if p.args != nil {
		message["MessageArgs"] = p.args
	}
	if p.property != "" {
		message["RelatedProperties"] = []string{p.property}
	}
	writeJSON(w, p.status, object{"error": object{
		"code":                  registry + "." + p.id,
		"message":               p.text,
		"@Message.ExtendedInfo": []any{message},
	}})
}
