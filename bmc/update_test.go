package bmc_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// flash is one controller of a shape, whose server is on, and a web server with firmware for it.
type flash struct {
	*redfishtest.Member
	d      *bmc.Driver
	target bmc.Target
	url    string
}

func startFlash(t *testing.T, shape *redfish.Shape) *flash {
	t.Helper()
	specs := redfishtest.Specs(1, shape, "admin", secret.New(password))
	specs[0].On, specs[0].WorkTime, specs[0].RestartTime = true, 20*time.Millisecond, 300*time.Millisecond
	f, err := redfishtest.Start(specs)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(redfish.FirmwareImage(r.URL.Query().Get("id"), r.URL.Query().Get("version")))
	}))
	t.Cleanup(func() {
		srv.Close()
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	m := f.Members[0]
	o := quick
	o.Burst = 1000
	return &flash{Member: m, d: bmc.New(o), url: srv.URL,
		target: bmc.Target{Machine: m.Name, Protocol: inventory.Redfish, Address: m.Address.String(), User: "admin", Password: secret.New(password)}}
}

// file is firmware that is on the web server as well.
func (f *flash) file(id, version string) bmc.FirmwareFile {
	image := redfish.FirmwareImage(id, version)
	return bmc.FirmwareFile{Name: "fw.bin", URL: fmt.Sprintf("%s/?id=%s&version=%s", f.url, id, version), Open: func() (io.ReadSeekCloser, int64, error) {
		return nopCloser{bytes.NewReader(image)}, int64(len(image)), nil
	}}
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// over follows a task to its end.
func (f *flash) over(t *testing.T, task string) bmc.Task {
	t.Helper()
	if task == "" {
		t.Fatal("it names no task")
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		k, err := f.d.Task(t.Context(), f.target, task)
		if err == nil && k.State != bmc.TaskRunning {
			return k
		}
		if err != nil && !errors.Is(err, bmc.ErrUnreachable) {
			t.Fatal(err)
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("the task does not end")
	return bmc.Task{}
}

func (f *flash) look(t *testing.T) inventory.FirmwareLook {
	t.Helper()
	l, err := f.d.LookAtFirmware(t.Context(), f.target)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func runs(l inventory.FirmwareLook, id string) string {
	for _, c := range l.Components {
		if c.ID == id {
			return c.Version
		}
	}
	return ""
}

// TestUpdateFirmware updates over every shape, by fetching and by both ways of pushing: the BIOS with a boot, and the
// controller itself, which restarts.
func TestUpdateFirmware(t *testing.T) {
	for _, c := range []struct{ shape, push string }{{"generic", ""}, {"idrac9", ""}, {"ilo5", ""}, {"x11", ""}, {"generic", "multipart"}, {"generic", "raw"}} {
		t.Run(c.shape+" "+c.push, func(t *testing.T) {
			t.Parallel()
			shape, err := redfish.ShapeByName(c.shape)
			if err != nil {
				t.Fatal(err)
			}
			shape.Quirks.PushFirmware = c.push
			f := startFlash(t, shape)
			before := f.look(t)
			if before.Serial != f.Serial || before.Power != inventory.PowerOn || before.Health != inventory.HealthOK || before.Model == "" && c.shape != "generic" {
				t.Errorf("%+v", before)
			}
			task, err := f.d.StartUpdate(t.Context(), f.target, f.file("BIOS", "99.1"))
			if err != nil {
				t.Fatal(err)
			}
			if k := f.over(t, task); k.State != bmc.TaskDone {
				t.Fatalf("%+v", k)
			}
			if v := runs(f.look(t), "BIOS"); v == "99.1" {
				t.Error("the BIOS is in force before a boot")
			}
			for _, a := range []bmc.Action{bmc.Off, bmc.On} {
				if _, err := f.d.SetPower(t.Context(), f.target, a); err != nil {
					t.Fatal(err)
				}
			}
			if v := runs(f.look(t), "BIOS"); v != "99.1" {
				t.Errorf("BIOS %s", v)
			}
			if task, err = f.d.StartUpdate(t.Context(), f.target, f.file("BMC", "99.2")); err != nil {
				t.Fatal(err)
			}
			f.over(t, task)
			if err := f.d.AwaitBMC(t.Context(), f.target); err != nil {
				t.Fatal(err)
			}
			if v := runs(f.look(t), "BMC"); v != "99.2" {
				t.Errorf("BMC %s", v)
			}
		})
	}
}

// TestUpdateFails: a task that fails says why, one that hangs is found again, and a controller that does nothing names
// no task.
func TestUpdateFails(t *testing.T) {
	f := startFlash(t, nil)
	if k, err := f.d.Task(t.Context(), f.target, ""); err != nil || k.Path != "" {
		t.Errorf("nothing is under way: %+v, %v", k, err)
	}
	order := func(file bmc.FirmwareFile, fault redfish.Kind) string {
		t.Helper()
		f.BMC.Faults().Clear()
		f.BMC.Faults().Add(redfish.Fault{Kind: fault, For: time.Millisecond, Methods: []string{http.MethodPost}, Path: "/redfish/v1/UpdateService/**"})
		task, err := f.d.StartUpdate(t.Context(), f.target, file)
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
	if k := f.over(t, order(f.file("NIC1", "99"), redfish.FailWork)); k.State != bmc.TaskFailed || k.Text == "" {
		t.Errorf("%+v", k)
	}
	if k := f.over(t, order(f.file("Toaster", "99"), redfish.Slow)); k.State != bmc.TaskFailed || k.Text == "" {
		t.Errorf("firmware of something else: %+v", k)
	}
	if task := order(f.file("NIC1", "99"), redfish.Ignore); task != "" {
		t.Errorf("a task %q for nothing", task)
	}
	stuck := order(f.file("NIC1", "99"), redfish.StuckWork)
	if k, err := f.d.Task(t.Context(), f.target, ""); err != nil || k.Path != stuck || k.State != bmc.TaskRunning {
		t.Errorf("%+v, %v, want %s", k, err, stuck)
	}
	if k, err := f.d.Task(t.Context(), f.target, "/redfish/v1/TaskService/Tasks/999"); err != nil || k.State != bmc.TaskGone {
		t.Errorf("%+v, %v", k, err)
	}
	_, err := f.d.StartUpdate(t.Context(), f.target, bmc.FirmwareFile{Name: "x"})
	if !errors.Is(err, bmc.ErrUnsupported) || !strings.Contains(err.Error(), "neither fetch") {
		t.Error(err)
	}
}
