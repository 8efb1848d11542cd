package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"

	"socle/internal/secret"
)

const qemuProgram = "qemu-system-x86_64"

// job is what Up hands to the supervisor, in the run directory, readable by root only.
type job struct {
	Spec     Spec
	Sum      string // of the specification
	StateDir string
	Accel    string // "tcg" or "kvm": what was decided
}

// jobFile is a job as it is written down. Passwords are apart because a Secret does not write itself.
type jobFile struct {
	Spec      string            `json:"spec"` // YAML
	Passwords map[string]string `json:"passwords"`
	Sum       string            `json:"sum"`
	StateDir  string            `json:"state_dir"`
	Accel     string            `json:"accel"`
}

func jobPath(lab string) string       { return filepath.Join(runDir(lab), "job.json") }
func supervisorPID(lab string) string { return filepath.Join(runDir(lab), "supervisor.pid") }

func newJobFile(s Spec, stateDir string) (jobFile, error) {
	j := jobFile{Passwords: map[string]string{}, StateDir: stateDir}
	text, err := yaml.Marshal(s)
	if err != nil {
		return j, fmt.Errorf("writing rack specification: %w", err)
	}
	j.Spec = string(text)
	for _, srv := range s.Servers {
		j.Passwords[srv.Name] = srv.BMC.Password.Reveal()
	}
	text, err = json.Marshal(j)
	if err != nil {
		return j, err
	}
	sum := sha256.Sum256(text)
	j.Sum = hex.EncodeToString(sum[:])
	return j, nil
}

func readJob(lab string) (job, error) {
	text, err := os.ReadFile(jobPath(lab))
	if err != nil {
		return job{}, fmt.Errorf("reading what to run: %w; start it with: socle lab up", err)
	}
	var f jobFile
	if err := json.Unmarshal(text, &f); err != nil {
		return job{}, fmt.Errorf("reading %s: %w", jobPath(lab), err)
	}
	j, err := f.job()
	if err != nil {
		return job{}, fmt.Errorf("reading %s: %w", jobPath(lab), err)
	}
	return j, nil
}

func (f jobFile) job() (job, error) {
	j := job{Sum: f.Sum, StateDir: f.StateDir, Accel: f.Accel}
	if err := yaml.Unmarshal([]byte(f.Spec), &j.Spec); err != nil {
		return job{}, err
	}
	for i := range j.Spec.Servers {
		srv := &j.Spec.Servers[i]
		srv.BMC.Password = Password{secret.New(f.Passwords[srv.Name])}
	}
	return j, j.Spec.Validate()
}

// readyWait is how long a rack may take until its BMCs answer.
const readyWait = 90 * time.Second

// Up brings a rack up and returns when its BMCs answer; all servers are off. A rack that is up already stays as it
// is; remains of one that died are cleared first. Disks are kept in stateDir from run to run.
func Up(ctx context.Context, s Spec, stateDir string, log *slog.Logger) (Status, error) {
	if err := s.Validate(); err != nil {
		return Status{}, fmt.Errorf("rack specification:\n%w", err)
	}
	if os.Geteuid() != 0 {
		return Status{}, errors.New("the virtual rack makes network namespaces: run it as root")
	}
	if err := missingPrograms(s); err != nil {
		return Status{}, err
	}
	stateDir, err := filepath.Abs(stateDir)
	if err != nil {
		return Status{}, fmt.Errorf("finding state directory: %w", err)
	}
	if s.HTTPSCA != "" {
		if s.HTTPSCA, err = filepath.Abs(s.HTTPSCA); err != nil {
			return Status{}, fmt.Errorf("finding https_ca: %w", err)
		}
	}
	unlock, err := lock(ctx, s.Name)
	if err != nil {
		return Status{}, err
	}
	defer unlock()
	file, err := newJobFile(s, stateDir)
	if err != nil {
		return Status{}, err
	}
	if st, err := State(ctx, s.Name); err == nil {
		if st.SpecSum != file.Sum {
			return st, fmt.Errorf("lab %s is up already with another specification or state directory (%s); first: socle lab down --name %s",
				s.Name, st.StateDir, s.Name)
		}
		return awaitReady(ctx, s.Name, nil)
	}
	if err := down(ctx, s.Name, log); err != nil {
		return Status{}, fmt.Errorf("clearing the remains of lab %s: %w", s.Name, err)
	}
	st, err := bringUp(ctx, s, file, log)
	if err != nil {
		// The context may be what failed; what was made has to go all the same.
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return st, errors.Join(err, down(clean, s.Name, log))
	}
	return st, nil
}

func bringUp(ctx context.Context, s Spec, file jobFile, log *slog.Logger) (Status, error) {
	addrs, err := hostAddrs()
	if err != nil {
		return Status{}, err
	}
	if err := checkSubnets(s, addrs); err != nil {
		return Status{}, err
	}
	if err := os.MkdirAll(runDir(s.Name), 0o700); err != nil {
		return Status{}, err
	}
	file.Accel = chooseAccel(ctx, s.Accel, log)
	text, err := json.Marshal(file)
	if err != nil {
		return Status{}, err
	}
	if err := writeFile(jobPath(s.Name), text); err != nil {
		return Status{}, fmt.Errorf("writing what to run: %w", err)
	}
	if err := buildNetwork(ctx, s); err != nil {
		return Status{}, fmt.Errorf("building the rack's network: %w", err)
	}
	exited, err := startSupervisor(s, file.StateDir)
	if err != nil {
		return Status{}, err
	}
	return awaitReady(ctx, s.Name, exited)
}

// startSupervisor runs this program again inside the namespace, detached from the terminal.
func startSupervisor(s Spec, stateDir string) (exited <-chan error, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	dir := filepath.Join(stateDir, s.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	logPath := filepath.Join(dir, "supervisor.log")
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command("ip", "netns", "exec", s.Interface(), exe, "lab", "run", "--name", s.Name) //nolint:noctx // it outlives this call
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the supervisor: %w", err)
	}
	done := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if err == nil {
			err = errors.New("exit status 0")
		}
		done <- fmt.Errorf("the supervisor ended (%w): %s", err, lastLine(logPath))
	}()
	return done, nil
}

// awaitReady waits until the supervisor says that all BMCs answer.
func awaitReady(ctx context.Context, lab string, exited <-chan error) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	for {
		st, err := State(ctx, lab)
		if err == nil && st.Ready {
			return st, nil
		}
		select {
		case err := <-exited:
			return st, err
		case <-ctx.Done():
			return st, fmt.Errorf("lab %s is not ready: %w (see supervisor.log and ipmi_sim.log in its state directory)", lab, errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// missingPrograms names what has to be installed, all at once.
func missingPrograms(s Spec) error {
	need := map[string]string{"ip": "iproute2"}
	for _, srv := range s.Servers {
		program, pkg := srv.qemu()
		need[program] = pkg
		if srv.BMC.Protocol == IPMI {
			need["ipmi_sim"] = "openipmi"
		}
	}
	var f faults
	for program, pkg := range need {
		_, err := exec.LookPath(program)
		f.add(err != nil, "%s is missing: apt-get install %s", program, pkg)
	}
	for _, srv := range s.Servers {
		if srv.Firmware == UEFI {
			code, _ := srv.ovmf()
			_, err := os.Stat(code)
			f.add(err != nil, "%s is missing: apt-get install %s", code, srv.firmwarePackage())
		}
	}
	return errors.Join(f...)
}
