package web_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"socle/inventory"
)

// label is a picture of a QR code on a white label.
func label(t *testing.T, text string) *image.Gray {
	t.Helper()
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err == nil {
		code, err = barcode.Scale(code, 240, 240)
	}
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(image.Rect(0, 0, 640, 480))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: 130}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(170, 90, 470, 390), image.White, image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(200, 120, 440, 360), code, image.Point{}, draw.Src)
	return img
}

// TestPhotoOfALabel racks a server by the picture of its label, without a script; a script gets the code.
func TestPhotoOfALabel(t *testing.T) {
	world, srv := start(t)
	world.Put(inventory.Machine{ID: "id-n1", Name: "n1", State: inventory.Expected, InPlan: true, Place: inventory.Place{Site: "lab", Rack: "r7", U: 1}, Identity: inventory.Identity{Serial: "SN-n1"}})
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/places/rack?rack=r7")
	has(t, body, `action="/places/photo?rack=lab%2Fr7"`, `capture="environment"`, `id="camera" hidden`)
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(body)[1]
	send := func(csrf, accept string, picture []byte) (*http.Response, string) {
		t.Helper()
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		f, err := m.CreateFormFile("picture", "label.jpg")
		if err == nil {
			_, err = f.Write(picture)
		}
		if err != nil || m.WriteField("csrf", csrf) != nil || m.Close() != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/places/photo?"+url.Values{"rack": {"lab/r7"}}.Encode(), &b)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", m.FormDataContentType())
		req.Header.Set("Accept", accept)
		return do(t, c, req)
	}
	var good, none bytes.Buffer
	if jpeg.Encode(&good, label(t, "SN-n1"), nil) != nil || jpeg.Encode(&none, image.NewGray(image.Rect(0, 0, 64, 48)), nil) != nil {
		t.Fatal("encoding")
	}
	const script, form = "application/json", "text/html"
	for _, x := range []struct {
		name, csrf, accept string
		picture            []byte
		status             int
		has                string
	}{
		{"forged", "x", script, good.Bytes(), http.StatusForbidden, ""},
		{"a script", csrf, script, good.Bytes(), http.StatusOK, `{"code":"SN-n1"}`},
		{"a script without a code", csrf, script, none.Bytes(), http.StatusOK, `{"code":""}`},
		{"a script without a picture", csrf, script, []byte("x"), http.StatusUnprocessableEntity, "no picture"},
		{"a form without a code", csrf, form, none.Bytes(), http.StatusUnprocessableEntity, "<b>Refused.</b> no code can be read"},
		{"too large", csrf, form, make([]byte, 21<<20), http.StatusForbidden, ""}, // the form ends before its secret
		{"a form", csrf, form, good.Bytes(), http.StatusSeeOther, ""},
		{"a form again", csrf, form, good.Bytes(), http.StatusConflict, "n1 stands in U 1 already"},
	} {
		if res, body := send(x.csrf, x.accept, x.picture); res.StatusCode != x.status || !strings.Contains(body, x.has) {
			t.Errorf("%s: %d %.300s", x.name, res.StatusCode, body)
		}
	}
	if calls := strings.Join(world.Calls(), "\n"); calls != "token:admin racked n1" {
		t.Errorf("calls %q", calls)
	}
}
