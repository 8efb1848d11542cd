package redfish

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// bios is what differs from the shape's defaults, and what waits for the next boot.
type bios struct {
	now, pending map[string]any
	secure       bool  // Secure Boot is enforced at this boot
	secureNext   *bool // at the next
	keys         string
	keysNext     string
	wiped        bool // all keys are gone, not the platform's alone
	wipedNext    bool
	job          string // that applies what waits; empty: none
}

// States of the Secure Boot keys (schema SecureBoot, SecureBootMode).
const (
	keysUser  = "UserMode"
	keysSetup = "SetupMode"
)

func (x *bios) keyState() string {
	if x.keys == "" {
		return keysUser
	}
	return x.keys
}

// applyPending brings settings into force that waited for a boot; the caller holds the lock.
func (b *BMC) applyPending() {
	if _, lost := b.faults.occasion(LoseSettings, http.MethodPost, b.system()+"/Bios/Settings"); lost {
		b.bios.pending, b.bios.secureNext, b.bios.keysNext = nil, nil, ""
	}
	if !b.shape.Quirks.BiosNeedsJob {
		b.bios.apply()
	}
	if b.bios.keysNext != "" {
		b.bios.keys, b.bios.keysNext, b.bios.wiped = b.bios.keysNext, "", b.bios.wipedNext
	}
	if b.bios.secureNext != nil {
		b.bios.secure, b.bios.secureNext = *b.bios.secureNext, nil
	}
	if b.bios.keyState() == keysSetup {
		b.bios.secure = false // nothing to check against
	}
	b.updates.booted()
	b.works.booted(b.now())
}

// apply brings the attributes that wait into force.
func (x *bios) apply() {
	if x.now == nil {
		x.now = map[string]any{}
	}
	maps.Copy(x.now, x.pending)
	x.pending = nil
}

// BIOS returns the attributes in force.
func (b *BMC) BIOS() map[string]any {
	var all map[string]any
	b.locked(func() { all = b.attributes() })
	return all
}

func (b *BMC) attributes() map[string]any {
	all := map[string]any{}
	for _, a := range b.shape.Bios {
		all[a.Name] = a.Default
	}
	maps.Copy(all, b.bios.now)
	return all
}

// shownAttributes are those in force, as the controller shows them: one with jobs shows what a job is about to bring
// into force too early (libredfish pull request 25).
func (b *BMC) shownAttributes() map[string]any {
	all := b.attributes()
	if i := slices.IndexFunc(b.works.list, func(w *work) bool { return w.id == b.bios.job && !w.boot && !w.over() }); i >= 0 {
		maps.Copy(all, b.bios.pending)
	}
	return all
}

func biosRoutes() map[string]route {
	const at = root + "/Systems/{system}"
	return map[string]route{
		at + "/Bios":                                    {get: getBios},
		at + "/Bios/Settings":                           {get: getBiosSettings, patch: patchBiosSettings},
		at + "/Bios/Actions/Bios.ResetBios":             {post: resetBios},
		at + "/SecureBoot":                              {get: getSecureBoot, patch: patchSecureBoot},
		at + "/SecureBoot/Actions/SecureBoot.ResetKeys": {post: resetKeys},
		root + "/Registries":                            {get: getRegistries},
		root + "/Registries/BiosAttributes":             {get: getRegistryFile},
		root + "/Registries/BiosAttributes/registry":    {get: getAttributeRegistry},
	}
}

func getBios(b *BMC, _ *call) (object, error) {
	path := b.system() + "/Bios"
	return resource(path, "Bios.v1_2_0", "Bios", "BIOS configuration").with(object{
		"AttributeRegistry": "BiosAttributes", "Attributes": b.shownAttributes(),
		"@Redfish.Settings": object{
			"@odata.type": "#Settings.v1_3_4.Settings", "SettingsObject": link(path + "/Settings"),
			"SupportedApplyTimes": []string{"OnReset"},
		},
		"Actions": object{"#Bios.ResetBios": object{"target": path + "/Actions/Bios.ResetBios"}},
	}), nil
}

func getBiosSettings(b *BMC, _ *call) (object, error) {
	pending := map[string]any{}
	if b.shape.Quirks.BiosWhole {
		pending = b.attributes()
	}
	maps.Copy(pending, b.bios.pending)
	return resource(b.system()+"/Bios/Settings", "Bios.v1_2_0", "Settings", "BIOS settings for the next boot").with(object{
		"AttributeRegistry": "BiosAttributes", "Attributes": pending,
	}), nil
}

func patchBiosSettings(b *BMC, c *call) error {
	var body struct {
		Attributes map[string]any
		Apply      *struct {
			ApplyTime string
		} `json:"@Redfish.SettingsApplyTime"`
		Registry *string `json:"AttributeRegistry"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if len(body.Attributes) == 0 {
		return noOperation()
	}
	if body.Apply != nil && body.Apply.ApplyTime != "OnReset" {
		return valueNotInList("@Redfish.SettingsApplyTime/ApplyTime", body.Apply.ApplyTime)
	}
	if b.bios.job != "" {
		return problemf(http.StatusBadRequest, "PropertyNotWritable", "Pending configuration values are already committed, unable to perform another set operation.")
	}
	next := map[string]any{}
	maps.Copy(next, b.bios.pending)
	for name, v := range body.Attributes {
		value, err := b.attribute(name, v)
		if err != nil {
			return err
		}
		next[name] = value
	}
	b.bios.pending = next
	if b.shape.Quirks.BiosNeedsJob && body.Apply != nil {
		c.begun = b.order(c, biosJob, func() error { b.bios.apply(); return nil })
		c.begun.boot = true
		b.bios.job = c.begun.id
	}
	return nil
}

// attribute checks a value against the registry.
func (b *BMC) attribute(name string, v any) (any, error) {
	i := slices.IndexFunc(b.shape.Bios, func(a Attribute) bool { return a.Name == name })
	if i < 0 {
		return nil, problemf(http.StatusBadRequest, "PropertyUnknown", "The property %s is not in the list of valid properties for the resource.", name).about("#/Attributes/" + name)
	}
	a := b.shape.Bios[i]
	if a.ReadOnly {
		return nil, problemf(http.StatusBadRequest, "PropertyNotWritable", "The property %s is a read only property and cannot be assigned a value.", name).about("#/Attributes/" + name)
	}
	switch v := v.(type) {
	case string:
		if _, ok := a.Default.(string); ok && (len(a.Values) == 0 || slices.Contains(a.Values, v)) && (a.Most == 0 || len(v) <= a.Most) {
			return v, nil
		}
	case float64:
		if _, ok := a.Default.(int); ok && v == float64(int(v)) && int(v) >= a.Least && (a.Most == 0 || int(v) <= a.Most) {
			return int(v), nil
		}
	}
	return nil, valueNotInList("Attributes/"+name, fmt.Sprint(v))
}

func resetBios(b *BMC, _ *call) (*reply, error) {
	b.bios.pending = map[string]any{}
	for _, a := range b.shape.Bios {
		if !a.ReadOnly {
			b.bios.pending[a.Name] = a.Default
		}
	}
	return done()
}

func getSecureBoot(b *BMC, c *call) (object, error) {
	path := b.system() + "/SecureBoot"
	if !b.vm.Describe().UEFI {
		return nil, notFound(c.URL.Path)
	}
	enabled := b.bios.secure
	if b.bios.secureNext != nil {
		enabled = *b.bios.secureNext
	}
	state := map[bool]string{true: "Enabled", false: "Disabled"}
	o := resource(path, "SecureBoot.v1_1_0", "SecureBoot", "UEFI Secure Boot").with(object{
		"SecureBootEnable": enabled, "SecureBootCurrentBoot": state[b.bios.secure], "SecureBootMode": b.bios.keyState(),
		"Actions": object{"#SecureBoot.ResetKeys": object{
			"target": path + "/Actions/SecureBoot.ResetKeys", "ResetKeysType@Redfish.AllowableValues": resetKeysTypes(),
		}},
	})
	if !b.shape.Quirks.NoKeyDatabases {
		o["SecureBootDatabases"] = link(b.keysPath())
	}
	return o, nil
}

func patchSecureBoot(b *BMC, c *call) error {
	if !b.vm.Describe().UEFI {
		return notFound(c.URL.Path)
	}
	var body struct{ SecureBootEnable *bool }
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.SecureBootEnable == nil {
		return noOperation()
	}
	b.bios.secureNext = body.SecureBootEnable
	return nil
}

func resetKeysTypes() []string {
	return []string{"ResetAllKeysToDefault", "DeleteAllKeys", "DeletePK"}
}

func resetKeys(b *BMC, c *call) (*reply, error) {
	if !b.vm.Describe().UEFI {
		return nil, notFound(c.URL.Path)
	}
	var body struct{ ResetKeysType string }
	if err := c.parameters(&body); err != nil {
		return nil, err
	}
	switch body.ResetKeysType {
	case "":
		return nil, missingParameter("SecureBoot.ResetKeys", "ResetKeysType")
	case "ResetAllKeysToDefault":
		b.bios.keysNext, b.bios.wipedNext = keysUser, false
	case "DeleteAllKeys", "DeletePK":
		b.bios.keysNext, b.bios.wipedNext = keysSetup, body.ResetKeysType == "DeleteAllKeys"
	default:
		return nil, parameterNotInList("ResetKeysType", body.ResetKeysType, "SecureBoot.ResetKeys")
	}
	return done()
}

func getRegistries(*BMC, *call) (object, error) {
	return collection(root+"/Registries", "MessageRegistryFileCollection", "Registries", root+"/Registries/BiosAttributes"), nil
}

func getRegistryFile(*BMC, *call) (object, error) {
	return resource(root+"/Registries/BiosAttributes", "MessageRegistryFile.v1_1_3", "BiosAttributes", "BIOS attribute registry").with(object{
		"Languages": []string{"en"}, "Registry": "BiosAttributes",
		"Location": []any{object{"Language": "en", "Uri": root + "/Registries/BiosAttributes/registry"}},
	}), nil
}

// getAttributeRegistry says which attributes there are and what they may be (schema AttributeRegistry).
func getAttributeRegistry(b *BMC, _ *call) (object, error) {
	var all []any
	for _, a := range b.shape.Bios {
		one := object{"AttributeName": a.Name, "DisplayName": a.Name, "DefaultValue": a.Default, "ReadOnly": a.ReadOnly, "ResetRequired": true, "Type": "String"}
		if _, ok := a.Default.(int); ok {
			one["Type"], one["LowerBound"], one["UpperBound"] = "Integer", a.Least, a.Most
		} else if a.Most > 0 {
			one["MinLength"], one["MaxLength"] = 0, a.Most
		}
		if len(a.Values) > 0 {
			var values []any
			for _, v := range a.Values {
				values = append(values, object{"ValueName": v, "ValueDisplayName": v})
			}
			one["Type"], one["Value"] = "Enumeration", values
		}
		all = append(all, one)
	}
	return resource(root+"/Registries/BiosAttributes/registry", "AttributeRegistry.v1_3_6", "BiosAttributes", "BIOS attribute registry").with(object{
		"Language": "en", "OwningEntity": b.shape.Vendor, "RegistryVersion": "1.0.0", "RegistryEntries": object{"Attributes": all},
	}), nil
}
