package redfish

import (
	"io"
	"net/http"
)

// version is that of the protocol, DSP0266.
const version = "1.15.0"

// rootResources are those that say where the others are.
func (s *service) rootResources() map[string]resource {
	return map[string]resource{
		"/redfish": {open: true, get: func(w http.ResponseWriter, _ *http.Request) error {
			writeJSON(w, http.StatusOK, object{"v1": root + "/"})
			return nil
		}},
		root: {open: true, get: fixed(object{
			"@odata.id": root + "/", "@odata.type": "#ServiceRoot.v1_12_0.ServiceRoot",
			"Id": "RootService", "Name": "Root Service", "RedfishVersion": version, "UUID": s.vm.Describe().UUID,
			"Vendor": "Socle", "Product": "Socle virtual rack",
			"Systems": link(root + "/Systems"), "Managers": link(root + "/Managers"), "Chassis": link(root + "/Chassis"),
			"SessionService": link(root + "/SessionService"), "AccountService": link(root + "/AccountService"),
			"Links": object{"Sessions": link(sessionsPath)},
			"ProtocolFeaturesSupported": object{
				"ExcerptQuery": false, "FilterQuery": false, "OnlyMemberQuery": false, "SelectQuery": false,
				"ExpandQuery": object{"ExpandAll": false, "Levels": false, "Links": false, "NoLinks": false},
			},
		})},
		root + "/odata": {open: true, get: fixed(object{
			"@odata.context": root + "/$metadata",
			"value": []any{
				odataLink("Service", root+"/"), odataLink("Systems", root+"/Systems"), odataLink("Chassis", root+"/Chassis"),
				odataLink("Managers", root+"/Managers"), odataLink("SessionService", root+"/SessionService"),
				odataLink("AccountService", root+"/AccountService"), odataLink("Sessions", sessionsPath),
			},
		})},
		root + "/$metadata": {open: true, get: func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "application/xml; charset=utf-8")
			_, _ = io.WriteString(w, metadata)
			return nil
		}},
	}
}

func odataLink(name, url string) object { return object{"name": name, "kind": "Singleton", "url": url} }

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
    <edmx:Include Namespace="Manager"/><edmx:Include Namespace="Manager.v1_12_0"/>
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
