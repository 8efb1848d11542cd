package netbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// page is an answer of the REST API.
type page struct {
	Results []json.RawMessage `json:"results"`
}

// object is one of NetBox's objects, numbers kept as they are written.
type object map[string]any

// readJSON adds an answer of the REST API, or a list of its objects, to the data; false when there is nothing that is used.
func readJSON(d *Data, bad *Problems, name string, text []byte) bool {
	var p page
	var err error
	if text[0] == '[' {
		err = json.Unmarshal(text, &p.Results)
	} else {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		bad.add(name, "it is no answer of NetBox's REST API: %v", err)
		return false
	}
	used := len(p.Results) == 0
	skipped := 0
	for i, raw := range p.Results {
		var o object
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&o); err != nil {
			bad.add(fmt.Sprintf("%s, object %d", name, i+1), "it is no object of NetBox: %v", err)
			continue
		}
		kind := o.kind()
		if kind == "" {
			skipped++
			continue
		}
		used = true
		r := record{fields: o.flat(kind)}
		r.where = fmt.Sprintf("%s, %s", name, title(r.get("id"), r.get("name")))
		d.add(kind, r)
	}
	if skipped > 0 {
		d.note("%d objects of %s were not used: they are of no kind that Socle reads", skipped, name)
	}
	return used
}

func title(id, name string) string {
	switch {
	case name == "":
		return "number " + id
	case id == "":
		return name
	}
	return fmt.Sprintf("number %s (%s)", id, name)
}

// kind is of what kind an object is, by its address.
func (o object) kind() Kind {
	address, _ := o["url"].(string)
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	k := Kind(path.Base(path.Dir(strings.TrimSuffix(u.Path, "/"))))
	for _, s := range shapes {
		if s.kind == k {
			return k
		}
	}
	return ""
}

// text is a value in the words in which the import forms have it: of a choice its value, of another object its name.
func text(v any) string {
	switch x := v.(type) {
	case string:
		return strings.TrimSpace(x)
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	case map[string]any:
		for _, key := range []string{"value", "name", "model", "address", "mac_address", "display"} {
			if s, ok := x[key]; ok && s != nil {
				return text(s)
			}
		}
	}
	return ""
}

// inner is a value within a value; nil when it is not there.
func inner(v any, keys ...string) any {
	for _, k := range keys {
		switch x := v.(type) {
		case map[string]any:
			v = x[k]
		case []any:
			if len(x) == 0 {
				return nil
			}
			first, _ := x[0].(map[string]any)
			v = first[k]
		default:
			return nil
		}
	}
	return v
}

// flat gives an object the columns of its import form, and "id", "X.id" and "X.slug" of the objects that it names.
func (o object) flat(k Kind) map[string]string {
	out := map[string]string{}
	set := func(name string, v any) {
		if s := text(v); s != "" {
			out[name] = s
		}
	}
	for name, v := range o {
		set(name, v)
		set(name+".slug", inner(v, "slug"))
		set(name+".id", inner(v, "id"))
	}
	switch k {
	case Devices:
		if out["role"] == "" {
			set("role", o["device_role"]) // before 3.6
			set("role.slug", inner(o["device_role"], "slug"))
		}
		set("manufacturer", inner(o["device_type"], "manufacturer"))
		set("parent", o["parent_device"])
	case DeviceTypes, Racks, Locations, PowerFeeds:
	case Interfaces:
		set("peer_device", inner(o["connected_endpoints"], "device"))
		set("peer_name", inner(o["connected_endpoints"], "name"))
		set("peer_type", o["connected_endpoints_type"])
		set("cable.id", inner(o["cable"], "id"))
	case MACAddresses:
		set("device", inner(o["assigned_object"], "device"))
		set("interface", inner(o["assigned_object"], "name"))
	case Cables:
		for _, side := range []string{"a", "b"} {
			end := o[side+"_terminations"]
			set("side_"+side+"_device", inner(end, "object", "device"))
			set("side_"+side+"_name", inner(end, "object", "name"))
			set("side_"+side+"_type", inner(end, "object_type"))
			if list, _ := end.([]any); len(list) > 1 {
				out["side_"+side+"_more"] = "true"
			}
		}
	}
	return out
}
