package redfish

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// object is one JSON object.
type object map[string]any

// maxBody bounds a request, in bytes.
const maxBody = 64 << 10

// call is one request under way.
type call struct {
	*http.Request
	w       *answerWriter
	ids     []string // what the free wildcards of the route stand for
	user    *account // who is let in; nil: nobody had to be
	name    string
	session string // its id; empty: Basic authentication
	body    []byte
	bodyErr error
	hit     []Kind
	begun   *work // by which a change goes on; it is answered with 202 then
}

// answerWriter remembers the status. The server's own writer is below it, for streams.
type answerWriter struct {
	http.ResponseWriter
	status int
}

func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// read takes in the request's body.
func (c *call) read() {
	if reads(c.Method) {
		return
	}
	text, err := io.ReadAll(io.LimitReader(c.Body, maxBody+1))
	switch {
	case err != nil:
		c.bodyErr = problemf(http.StatusBadRequest, "UnrecognizedRequestBody", "The request body could not be read: %v.", err)
	case len(text) > maxBody:
		c.bodyErr = problemf(http.StatusRequestEntityTooLarge, "UnrecognizedRequestBody", "The request body is larger than %d bytes.", maxBody)
	default:
		c.body = text
	}
}

// decode reads the request's object into v, and refuses what is not one and properties that v does not have.
func (c *call) decode(v any) error {
	if c.bodyErr != nil {
		return c.bodyErr
	}
	if ct := c.Header.Get("Content-Type"); ct != "" && !strings.HasPrefix(ct, "application/json") {
		return problemf(http.StatusUnsupportedMediaType, "UnrecognizedRequestBody", "The content type %q is not application/json.", ct)
	}
	first := json.NewDecoder(bytes.NewReader(c.body))
	first.UseNumber()
	var plain any
	if err := first.Decode(&plain); err != nil {
		return problemf(http.StatusBadRequest, "MalformedJSON", "The request body submitted was malformed JSON and could not be parsed by the receiving service: %v.", err)
	}
	if _, err := first.Token(); !errors.Is(err, io.EOF) {
		return problemf(http.StatusBadRequest, "MalformedJSON", "The request body holds more than one JSON value.")
	}
	strip(plain)
	text, err := json.Marshal(plain)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var kind *json.UnmarshalTypeError
		name, unknown := strings.CutPrefix(err.Error(), "json: unknown field ")
		switch {
		case unknown:
			name = strings.Trim(name, `"`)
			return problemf(http.StatusBadRequest, "PropertyUnknown", "The property %s is not in the list of valid properties for the resource.", name).about("#/" + name)
		case errors.As(err, &kind) && kind.Field != "":
			name = strings.ReplaceAll(kind.Field, ".", "/")
			return problemf(http.StatusBadRequest, "PropertyValueTypeError", "The value for the property %s is a %s, and not of the type that it can accept.", name, kind.Value).about("#/" + name)
		}
		return problemf(http.StatusBadRequest, "MalformedJSON", "The request body submitted was malformed JSON and could not be parsed by the receiving service: %v.", err)
	}
	return nil
}

// strip takes away annotations of OData other than links: services ignore them in requests (DSP0266, section "PATCH").
func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, sub := range v {
			if strings.Contains(key, "@odata.") && key != "@odata.id" {
				delete(v, key)
				continue
			}
			strip(sub)
		}
	case []any:
		for _, sub := range v {
			strip(sub)
		}
	}
}

// parameters is decode for actions, which may come without any body.
func (c *call) parameters(v any) error {
	if c.bodyErr == nil && len(strings.TrimSpace(string(c.body))) == 0 {
		return nil
	}
	return c.decode(v)
}

// ref is a link that a client sends; some send the path alone.
type ref string

// UnmarshalJSON implements json.Unmarshaler.
func (r *ref) UnmarshalJSON(text []byte) error {
	var l struct {
		ID string `json:"@odata.id"`
	}
	if json.Unmarshal(text, &l) == nil {
		*r = ref(l.ID)
		return nil
	}
	return json.Unmarshal(text, (*string)(r))
}

// show answers with a resource.
func (b *BMC) show(c *call, o object, status int) {
	tag := etag(o)
	if b.has(c, WrongETag) {
		tag = `W/"stale-` + strings.Trim(tag, `W/"`) + `"`
		if _, has := o["@odata.etag"]; has {
			o["@odata.etag"] = tag
		}
	}
	c.w.Header().Set("ETag", tag)
	if reads(c.Method) && c.Header.Get("If-None-Match") == tag {
		c.w.WriteHeader(http.StatusNotModified)
		return
	}
	writeJSON(c.w, status, o)
}

// send answers with what a POST brought about.
func (b *BMC) send(c *call, rep *reply) {
	if rep.location != "" {
		c.w.Header().Set("Location", rep.location)
	}
	if rep.header[0] != "" {
		c.w.Header().Set(rep.header[0], rep.header[1])
	}
	switch {
	case rep.body != nil:
		writeJSON(c.w, rep.status, rep.body)
	case rep.status == http.StatusNoContent && b.shape.Quirks.ActionSuccessBody:
		writeJSON(c.w, http.StatusOK, object{"Success": object{"code": registry + ".Success", "Message": "Successfully Completed Request."}})
	default:
		c.w.WriteHeader(rep.status)
	}
}

// precondition compares If-Match with the resource as it is (RFC 9110, section 13.1.1).
func (b *BMC) precondition(c *call, res *route) error {
	tag := c.Header.Get("If-Match")
	if tag == "" {
		if b.shape.Quirks.NeedsIfMatch && c.Method == http.MethodPatch {
			return problemf(http.StatusPreconditionRequired, "PreconditionRequired", "A precondition header or annotation is required to change this resource.")
		}
		return nil
	}
	if res.get == nil {
		return nil
	}
	now, err := res.get(b, c)
	if err != nil {
		return err
	}
	if !tagged(tag, etag(now)) {
		return problemf(http.StatusPreconditionFailed, "PreconditionFailed", "The ETag supplied did not match the ETag required to change this resource.")
	}
	return nil
}

// tagged compares an If-Match header, weakly: some clients drop the W/.
func tagged(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// etag is the tag that the object carries, or a digest of it.
func etag(o object) string {
	if tag, ok := o["@odata.etag"].(string); ok {
		return tag
	}
	text, err := json.Marshal(o)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return `W/"` + hex.EncodeToString(sum[:8]) + `"`
}

func writeJSON(w http.ResponseWriter, status int, o object) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(o) // a client that went away is no concern of ours
}

// resource begins an object with what every resource has.
func resource(path, kind, id, name string) object {
	schema, _, _ := strings.Cut(kind, ".")
	return object{
		"@odata.id": path, "@odata.type": "#" + kind + "." + schema, "Id": id, "Name": name,
	}
}

// collection makes a GET of a list of links.
func collection(path, kind, name string, members ...string) object {
	links := make([]any, 0, len(members))
	for _, m := range members {
		links = append(links, link(m))
	}
	return object{
		"@odata.id": path, "@odata.type": "#" + kind + "." + kind, "Name": name,
		"Members": links, "Members@odata.count": len(links),
	}
}

// below names the members of a collection.
func below(path string, ids ...string) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = path + "/" + id
	}
	return all
}

func link(path string) object { return object{"@odata.id": path} }

func links(paths ...string) []any {
	all := make([]any, len(paths))
	for i, p := range paths {
		all[i] = link(p)
	}
	return all
}
