package bmc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"socle/inventory"
)

// updateDoc is what an update service says of itself (DMTF schema UpdateService).
type updateDoc struct {
	FirmwareInventory    link
	HTTPPushURI          string `json:"HttpPushUri"`
	MultipartHTTPPushURI string `json:"MultipartHttpPushUri"`
	Actions              struct {
		SimpleUpdate struct {
			Target    string   `json:"target"`
			Protocols []string `json:"TransferProtocol@Redfish.AllowableValues"`
		} `json:"#UpdateService.SimpleUpdate"`
	}
}

// updateService reads the service; one that is not there is empty.
func (r *redfishReader) updateService(ctx context.Context) (updateDoc, error) {
	var root struct{ UpdateService link }
	if err := r.get("/redfish/v1/", &root); err != nil {
		return updateDoc{}, redfishError(ctx, err)
	}
	var service updateDoc
	if root.UpdateService.ok() {
		if err := r.get(root.UpdateService.ID, &service); err != nil && !absent(err) {
			return updateDoc{}, redfishError(ctx, err)
		}
	}
	return service, nil
}

func (r *redfishReader) managerHealth(context.Context) (inventory.Health, error) {
	m := r.manager()
	if m == nil {
		return inventory.HealthUnknown, nil
	}
	return healthOf(string(m.Status.Health)), nil
}

func (r *redfishReader) startUpdate(ctx context.Context, f FirmwareFile) (string, error) {
	service, err := r.updateService(ctx)
	if err != nil {
		return "", err
	}
	push := service.MultipartHTTPPushURI != "" || service.HTTPPushURI != ""
	if protocol, ok := service.fetches(f.URL); ok {
		resp, err := r.client.Post(service.Actions.SimpleUpdate.Target, map[string]any{"ImageURI": f.URL, "TransferProtocol": protocol})
		if err == nil {
			return taskOf(resp), nil
		}
		err = redfishError(ctx, err)
		if !push || f.Open == nil || !errors.Is(err, errRefused) && !errors.Is(err, ErrUnsupported) {
			return "", err
		}
	}
	if !push || f.Open == nil {
		return "", fmt.Errorf("%w: it can neither fetch the firmware from %q nor be given it", ErrUnsupported, f.URL)
	}
	return r.push(ctx, service, f)
}

// fetches tells by which of its protocols the service gets what is at an address.
func (u updateDoc) fetches(address string) (protocol string, ok bool) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || !(link{u.Actions.SimpleUpdate.Target}).ok() {
		return "", false
	}
	protocol = strings.ToUpper(at.Scheme)
	all := u.Actions.SimpleUpdate.Protocols
	return protocol, len(all) == 0 || slices.Contains(all, protocol)
}

// push gives the file to the controller (DSP0266, sections "Multipart HTTP push update" and "HttpPushUri").
func (r *redfishReader) push(ctx context.Context, service updateDoc, f FirmwareFile) (string, error) {
	file, size, err := f.Open()
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // was only read
	to, kind, head, tail := service.MultipartHTTPPushURI, "application/octet-stream", []byte(nil), []byte(nil)
	if to == "" {
		to = service.HTTPPushURI
	} else if kind, head, tail, err = envelope(f.Name); err != nil {
		return "", err
	}
	if !(link{to}).ok() {
		return "", fmt.Errorf("%w: it wants the firmware at %q, which is not on it", ErrUnsupported, to)
	}
	body := once{io.MultiReader(bytes.NewReader(head), file, bytes.NewReader(tail))}
	length := strconv.FormatInt(int64(len(head)+len(tail))+size, 10)
	resp, err := r.client.RunRawRequestWithHeaders(http.MethodPost, to, body, kind, map[string]string{"Content-Length": length})
	if err != nil {
		return "", redfishError(ctx, err)
	}
	return taskOf(resp), nil
}

// envelope makes what stands around a file in a multipart push.
func envelope(name string) (kind string, head, tail []byte, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part := func(disposition, kind string, content string) error {
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {kind}})
		if err == nil {
			_, err = io.WriteString(p, content)
		}
		return err
	}
	if err := part(`form-data; name="UpdateParameters"`, "application/json", `{}`); err != nil {
		return "", nil, nil, err
	}
	if err := part(fmt.Sprintf(`form-data; name="UpdateFile"; filename=%q`, name), "application/octet-stream", ""); err != nil {
		return "", nil, nil, err
	}
	n := b.Len()
	if err := w.Close(); err != nil {
		return "", nil, nil, err
	}
	return w.FormDataContentType(), b.Bytes()[:n:n], b.Bytes()[n:], nil
}

// once is a body that can be sent once: the library asks for a Seeker and does not seek.
type once struct{ io.Reader }

// Seek implements io.Seeker.
func (once) Seek(int64, int) (int64, error) {
	return 0, errors.New("what was sent cannot be sent again")
}

// taskDoc is a task, as it is shown and as the answer to an order (DMTF schema Task).
type taskDoc struct {
	link
	Type     string `json:"@odata.type"`
	State    string `json:"TaskState"`
	Percent  int    `json:"PercentComplete"`
	Messages []struct{ Message string }
}

// taskOf finds out by which path an order is followed: the task itself rather than its monitor, which says less.
func taskOf(resp *http.Response) string {
	var d taskDoc
	err := decodeLimited(resp.Body, &d)
	_ = resp.Body.Close() // what it holds was read, or cannot be
	if err == nil && d.ok() && strings.Contains(d.Type, "#Task.") {
		return d.ID
	}
	at, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || !(link{at.Path}).ok() {
		return ""
	}
	return at.Path
}

func (d taskDoc) task() Task {
	t := Task{Path: d.ID, State: TaskRunning, Percent: d.Percent}
	if len(d.Messages) > 0 {
		t.Text = d.Messages[len(d.Messages)-1].Message
	}
	switch d.State {
	case "Completed", "": // a monitor answers with what came of it
		t.State = TaskDone
	case "Exception", "Killed", "Cancelled":
		t.State = TaskFailed
	case "Pending", "Suspended", "Interrupted":
		t.State = TaskPending
	}
	return t
}

func (r *redfishReader) task(ctx context.Context, path string) (Task, error) {
	if path == "" {
		return r.unfinished(ctx)
	}
	resp, err := r.client.Get(path)
	switch {
	case absent(err):
		return Task{Path: path, State: TaskGone}, nil
	case err != nil:
		return Task{}, redfishError(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	var d taskDoc
	if resp.StatusCode != http.StatusNoContent {
		if err := decodeLimited(resp.Body, &d); err != nil && resp.StatusCode == http.StatusAccepted {
			d.State = "Running"
		}
	}
	if d.State == "" && resp.StatusCode == http.StatusAccepted {
		d.State = "Running"
	}
	t := d.task()
	t.Path = path
	return t, nil
}

// maxTasks bounds how many tasks are looked at.
const maxTasks = 64

// unfinished is the newest task that is not over.
func (r *redfishReader) unfinished(ctx context.Context) (Task, error) {
	var root struct{ Tasks link }
	var service struct{ Tasks link }
	if err := r.get("/redfish/v1/", &root); err != nil {
		return Task{}, redfishError(ctx, err)
	}
	if !root.Tasks.ok() {
		return Task{}, nil
	}
	if err := r.get(root.Tasks.ID, &service); absent(err) || err == nil && !service.Tasks.ok() {
		return Task{}, nil
	} else if err != nil {
		return Task{}, redfishError(ctx, err)
	}
	all, err := r.collection(service.Tasks.ID, maxTasks)
	if absent(err) {
		return Task{}, nil
	}
	if err != nil {
		return Task{}, redfishError(ctx, err)
	}
	for _, raw := range slices.Backward(all) {
		var d taskDoc
		if json.Unmarshal(raw, &d) != nil || !d.ok() || d.State == "" {
			continue
		}
		if t := d.task(); t.State == TaskRunning || t.State == TaskPending {
			return t, nil
		}
	}
	return Task{}, nil
}
