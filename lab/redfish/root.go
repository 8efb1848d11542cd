package redfish

import "io"

// rootRoutes are those that say where the others are.
func rootRoutes() map[string]route {
	return map[string]route{
		"/redfish": {open: true, get: func(*BMC, *call) (object, error) { return object{"v1": root + "/"}, nil }},
		root:       {open: true, get: serviceRoot},
		root + "/odata": {open: true, get: func(*BMC, *call) (object, error) {
			all := []any{odataLink("Service", root+"/"), odataLink("Sessions", sessionsPath)}
			for _, name := range services() {
				all = append(all, odataLink(name, root+"/"+name))
			}
			return object{"@odata.context": root + "/$metadata", "value": all}, nil
		}},
		root + "/$metadata": {open: true, stream: func(_ *BMC, c *call) error {
			c.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
			_, _ = io.WriteString(c.w, metadata)
			return nil
		}},
	}
}

// services are the resources one level below the root.
func services() []string {
	return []string{
		"Systems", "Chassis", "Managers", "SessionService", "AccountService", "EventService", "UpdateService", "TaskService",
		"CertificateService", "Registries",
	}
}

func serviceRoot(b *BMC, _ *call) (object, error) {
	o := resource(root+"/", "ServiceRoot.v1_12_0", "RootService", "Root Service").with(object{
		"RedfishVersion": b.shape.RedfishVersion, "UUID": b.vm.Describe().UUID, "Vendor": b.shape.Vendor, "Product": b.shape.Product,
		"Links": object{"Sessions": link(sessionsPath)}, "Tasks": link(root + "/TaskService"),
		"ProtocolFeaturesSupported": object{
			"ExcerptQuery": false, "FilterQuery": false, "OnlyMemberQuery": false, "SelectQuery": false,
			"ExpandQuery": object{"ExpandAll": false, "Levels": false, "Links": false, "NoLinks": false},
		},
	})
	for _, name := range services() {
		if name != "TaskService" { // its link is called Tasks
			o[name] = link(root + "/" + name)
		}
	}
	return o, nil
}

func odataLink(name, url string) object { return object{"name": name, "kind": "Singleton", "url": url} }

// healthy is the status of what works.
func healthy() object { return object{"State": "Enabled", "Health": "OK"} }

// with adds to a resource.
func (o object) with(more object) object {
	for k, v := range more {
		o[k] = v
	}
	return o
}

// metadata is the OData description (DSP0266, section "OData $metadata resource").
const metadata = `<?xml version="1.0" encoding="UTF-8"?>
<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">
  <edmx:Reference Uri="http://redfish.dmtf.org/schemas/v1/ServiceRoot_v1.xml">
    <edmx:Include Namespace="ServiceRoot"/><edmx:Include Namespace="ServiceRoot.v1_12_0"/>
  </edmx:Reference>
  <edmx:Reference Uri="http://redfish.dmtf.org/schemas/v1/ComputerSystem_v1.xml">
    <edmx:Include Namespace="ComputerSystem"/><edmx:Include Namespace="ComputerSystem.v1_16_0"/>
  </edmx:Reference>
  <edmx:Reference Uri="http://redfish.dmtf.org/schemas/v1/Manager_v1.xml">
    <edmx:Include Namespace="Manager"/><edmx:Include Namespace="Manager.v1_16_0"/>
  </edmx:Reference>
  <edmx:Reference Uri="http://redfish.dmtf.org/schemas/v1/Chassis_v1.xml">
    <edmx:Include Namespace="Chassis"/><edmx:Include Namespace="Chassis.v1_17_0"/>
  </edmx:Reference>
  <edmx:DataServices>
    <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Service">
      <EntityContainer Name="Service" Extends="ServiceRoot.v1_12_0.ServiceContainer"/>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
`
