package redfish

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// pushPath is where firmware is given to a controller that does not fetch it, and how.
const (
	pushPath      = updateService + "/upload"
	pushMultipart = "multipart"
	pushRaw       = "raw"
)

// pushUpdate takes the firmware in the request itself (DSP0266, sections "Multipart HTTP push update" and "HttpPushUri").
func pushUpdate(b *BMC, c *call) (*reply, error) {
	if b.shape.Quirks.PushFirmware == "" {
		return nil, notFound(c.URL.Path)
	}
	if c.bodyErr != nil {
		return nil, c.bodyErr
	}
	file := c.body
	if b.shape.Quirks.PushFirmware == pushMultipart {
		var err error
		if file, err = uploaded(c); err != nil {
			return nil, problemf(http.StatusBadRequest, "UnrecognizedRequestBody", "The request body is no multipart push: %v.", err)
		}
	}
	if b.updating() {
		return nil, problemf(http.StatusServiceUnavailable, "ServiceTemporarilyUnavailable", "The service is temporarily unavailable: an update is under way. Retry in 30 seconds.")
	}
	img, err := b.readImage(file)
	w := b.order(c, updateName, func() error { return b.install(img) })
	if w.failed == nil {
		w.failed = err
	}
	return b.accept(w), nil
}

// uploaded finds the file among the parts, whose parameters come first and are JSON.
func uploaded(c *call) ([]byte, error) {
	kind, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return nil, errors.New("its content type is not multipart/form-data")
	}
	parts := multipart.NewReader(bytes.NewReader(c.body), params["boundary"])
	seen := false
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, errors.New("the part UpdateFile is missing")
		}
		switch part.FormName() {
		case "UpdateParameters":
			if part.Header.Get("Content-Type") != "application/json" {
				return nil, errors.New("UpdateParameters are not of the type application/json")
			}
			seen = true
		case "UpdateFile":
			if !seen || part.FileName() == "" {
				return nil, errors.New("UpdateFile has no name, or UpdateParameters do not come before it")
			}
			return io.ReadAll(part)
		}
	}
}
