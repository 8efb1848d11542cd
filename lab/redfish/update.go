package redfish

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	updateService = root + "/UpdateService"
	inventoryPath = updateService + "/FirmwareInventory"
)

// updates are the versions of firmware that differ from the shape's.
type updates struct {
	now    map[string]string // by id
	staged map[string]string // in force after the next boot of the machine
}

func (u *updates) version(s *Shape, id string) string {
	if v, ok := u.now[id]; ok {
		return v
	}
	i := slices.IndexFunc(s.Firmware, func(f Firmware) bool { return f.ID == id })
	if i < 0 {
		return ""
	}
	return s.Firmware[i].Version
}

func (u *updates) set(id, version string) {
	if u.now == nil {
		u.now = map[string]string{}
	}
	u.now[id] = version
}

// booted brings into force what waited for a boot of the machine.
func (u *updates) booted() {
	for id, version := range u.staged {
		u.set(id, version)
	}
	u.staged = nil
}

// FirmwareVersion returns the version that runs, or "" of what there is not.
func (b *BMC) FirmwareVersion(id string) string {
	var v string
	b.locked(func() { v = b.updates.version(b.shape, id) })
	return v
}

// image is what an update is for the emulator: real ones are signed, and nobody can make one for a test.
type image struct{ Component, Version string }

// FirmwareImage makes the file that brings a component of this id to a version; a client's web server offers it.
func FirmwareImage(id, version string) []byte {
	text, _ := json.Marshal(image{id, version}) // two strings always can be
	return text
}

func updateRoutes() map[string]route {
	simple := updateService + "/Actions/UpdateService.SimpleUpdate"
	return map[string]route{
		updateService: {get: func(b *BMC, _ *call) (object, error) {
			o := resource(updateService, "UpdateService.v1_11_0", "UpdateService", "Update Service").with(object{
				"ServiceEnabled": true, "Status": healthy(), "FirmwareInventory": link(inventoryPath),
			})
			switch b.shape.Quirks.PushFirmware {
			case pushMultipart:
				o["MultipartHttpPushUri"] = pushPath
			case pushRaw:
				o["HttpPushUri"] = pushPath
			default:
				o["Actions"] = object{"#UpdateService.SimpleUpdate": object{
					"target": simple, "TransferProtocol@Redfish.AllowableValues": []string{"HTTP", "HTTPS"},
				}}
			}
			return o, nil
		}},
		simple:   {post: simpleUpdate},
		pushPath: {post: pushUpdate},
		inventoryPath: {get: func(b *BMC, _ *call) (object, error) {
			var ids []string
			for _, f := range b.shape.Firmware {
				ids = append(ids, f.ID)
			}
			return collection(inventoryPath, "SoftwareInventoryCollection", "Firmware inventory", below(inventoryPath, ids...)...), nil
		}},
		inventoryPath + "/{}": {get: func(b *BMC, c *call) (object, error) {
			i := slices.IndexFunc(b.shape.Firmware, func(f Firmware) bool { return f.ID == c.ids[0] })
			if i < 0 {
				return nil, notFound(c.URL.Path)
			}
			f := b.shape.Firmware[i]
			return resource(inventoryPath+"/"+f.ID, "SoftwareInventory.v1_7_0", f.ID, f.Name).with(object{
				"Version": b.updates.version(b.shape, f.ID), "Updateable": !f.Fixed, "SoftwareId": f.ID, "Manufacturer": b.shape.ManagerMaker, "Status": healthy(),
			}), nil
		}},
	}
}

func simpleUpdate(b *BMC, c *call) (*reply, error) {
	if b.shape.Quirks.PushFirmware != "" {
		return nil, notFound(c.URL.Path)
	}
	var body struct {
		ImageURI, TransferProtocol, Username, Password string
		Targets                                        []string
		ForceUpdate                                    bool
		Apply                                          string `json:"@Redfish.OperationApplyTime"`
	}
	if err := c.parameters(&body); err != nil {
		return nil, err
	}
	if body.ImageURI == "" {
		return nil, missingParameter("UpdateService.SimpleUpdate", "ImageURI")
	}
	u, err := url.Parse(body.ImageURI)
	if err == nil && u.Scheme == "" && body.TransferProtocol != "" {
		u, err = url.Parse(map[string]string{"HTTP": "http://", "HTTPS": "https://"}[body.TransferProtocol] + body.ImageURI)
	}
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, problemf(http.StatusBadRequest, "ActionParameterValueFormatError",
			"The value %q for the parameter ImageURI in the action UpdateService.SimpleUpdate is of a different format than the parameter can accept.", body.ImageURI).about("#/ImageURI")
	}
	if b.updating() {
		return nil, problemf(http.StatusServiceUnavailable, "ServiceTemporarilyUnavailable", "The service is temporarily unavailable: an update is under way. Retry in 30 seconds.")
	}
	w := b.order(c, updateName, nil)
	w.held = true
	b.spawn(func() { b.fetch(w, u.String()) })
	return b.accept(w), nil
}

const updateName = "Firmware update"

func (b *BMC) updating() bool {
	return slices.ContainsFunc(b.works.list, func(w *work) bool { return w.name == updateName && !w.over() && !w.stuck })
}

// fetch downloads an image as the controller's own client, and lets its task go on.
func (b *BMC) fetch(w *work, from string) {
	img, err := b.download(from)
	b.mu.Lock()
	defer b.mu.Unlock()
	w.held, w.begun = false, b.now()
	if w.failed == nil {
		w.failed = err
	}
	w.finish = func() error { return b.install(img) }
}

// maxImage bounds an image, in bytes; those of FirmwareImage are small.
const maxImage = 64 << 10

func (b *BMC) download(from string) (image, error) {
	text, err := b.get(from, maxImage)
	if err != nil {
		return image{}, fmt.Errorf("the image cannot be transferred: %w", err)
	}
	return b.readImage(text)
}

// readImage tells which firmware a file is.
func (b *BMC) readImage(text []byte) (image, error) {
	var img image
	if err := json.Unmarshal(text, &img); err != nil || img.Version == "" {
		return image{}, fmt.Errorf("the image is no firmware of this system")
	}
	i := slices.IndexFunc(b.shape.Firmware, func(f Firmware) bool { return f.ID == img.Component && !f.Fixed })
	if i < 0 {
		return image{}, fmt.Errorf("the image is for %q, which this system does not have or cannot update", img.Component)
	}
	return img, nil
}

// install is what the end of the task brings: the controller restarts into its new firmware, the BIOS takes its own at
// the server's next boot, and a card at once.
func (b *BMC) install(img image) error {
	switch img.Component {
	case FirmwareBMC:
		b.updates.set(img.Component, img.Version)
		b.away.Store(b.now().Add(b.restart).UnixNano())
		b.restarted()
	case FirmwareBIOS:
		if b.updates.staged == nil {
			b.updates.staged = map[string]string{}
		}
		b.updates.staged[img.Component] = img.Version
	default:
		b.updates.set(img.Component, img.Version)
	}
	return nil
}

// fetchTimeout bounds what the controller downloads.
const fetchTimeout = 10 * time.Second

// get downloads a small file.
func (b *BMC) get(from string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(b.ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	client := outgoing(fetchTimeout, false)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", from, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, limit))
}
