package redfish

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	taskService  = root + "/TaskService"
	tasksPath    = taskService + "/Tasks"
	monitorsPath = taskService + "/TaskMonitors"
)

// works are the controller's long jobs, which Redfish calls tasks.
type works struct {
	last int
	list []*work
}

// work is one of them. It has no goroutine: it is over when somebody looks after its time.
type work struct {
	id, name string
	begun    time.Time
	takes    time.Duration
	ended    time.Time
	state    string // schema Task, TaskState
	text     string
	boot     bool // waits for the machine's next boot
	held     bool // waits for something else, that releases it
	stuck    bool // never ends
	finish   func() error
	failed   error // how it will end, whatever finish says
}

// maxWorks is how many are remembered.
const maxWorks = 64

// order makes a task. The caller may change it before it lets go of the lock.
func (b *BMC) order(c *call, name string, finish func() error) *work {
	b.works.last++
	w := &work{
		id: strconv.Itoa(b.works.last), name: name, begun: b.now(), takes: b.work, state: "Running", finish: finish,
		stuck: b.has(c, StuckWork),
	}
	if b.has(c, FailWork) {
		w.failed = problemf(http.StatusInternalServerError, "OperationFailed", "An error occurred internal to the service as part of the overall request.")
	}
	if len(b.works.list) >= maxWorks {
		b.works.list = b.works.list[1:]
	}
	b.works.list = append(b.works.list, w)
	return w
}

func (b *BMC) accept(w *work) *reply {
	return &reply{status: http.StatusAccepted, body: w.object(b.now()), location: monitorsPath + "/" + w.id}
}

func (w *work) over() bool { return !w.ended.IsZero() }

// finishWorks ends what is due; the caller holds the lock.
func (b *BMC) finishWorks() {
	now := b.now()
	for _, w := range slices.Clone(b.works.list) {
		if w.over() || w.boot || w.held || w.stuck || now.Before(w.begun.Add(w.takes)) {
			continue
		}
		err := w.failed
		if err == nil && w.finish != nil {
			err = w.finish()
		}
		w.end(w.begun.Add(w.takes), err)
		b.jobless(w)
		severity := "OK"
		if err != nil {
			severity = "Warning"
		}
		b.note(event{severity: severity, id: "TaskEvent.1.0.TaskCompletedOK", text: w.name + ": " + w.text, kind: "StatusChange", origin: tasksPath + "/" + w.id})
	}
}

// jobless forgets settings whose job is over, or gone.
func (b *BMC) jobless(w *work) {
	if b.bios.job == w.id {
		b.bios.job, b.bios.pending = "", nil
	}
}

func (w *work) end(at time.Time, err error) {
	w.ended, w.state, w.text, w.finish = at, "Completed", "Completed.", nil
	if err != nil {
		w.state, w.text = "Exception", err.Error()
	}
}

// booted starts what waited for a boot.
func (x *works) booted(now time.Time) {
	for _, w := range x.list {
		if w.boot && !w.over() {
			w.boot, w.begun = false, now
		}
	}
}

// waits tells whether a task is there and waits for a boot.
func (x *works) waits(id string) bool {
	return slices.ContainsFunc(x.list, func(w *work) bool { return w.id == id && w.boot })
}

func (x *works) find(c *call) (*work, error) {
	if i := slices.IndexFunc(x.list, func(w *work) bool { return w.id == c.ids[0] }); i >= 0 {
		return x.list[i], nil
	}
	return nil, notFound(c.URL.Path)
}

func (w *work) object(now time.Time) object {
	o := resource(tasksPath+"/"+w.id, "Task.v1_4_3", w.id, w.name).with(object{
		"TaskState": w.state, "TaskStatus": "OK", "StartTime": w.begun.UTC().Format(time.RFC3339), "TaskMonitor": monitorsPath + "/" + w.id,
		"PercentComplete": 0, "Messages": []any{},
	})
	switch {
	case w.over():
		id := registry + ".Success"
		o["PercentComplete"], o["EndTime"] = 100, w.ended.UTC().Format(time.RFC3339)
		if w.state != "Completed" {
			id, o["TaskStatus"] = registry+".OperationFailed", "Critical"
		}
		o["Messages"] = []any{object{"@odata.type": "#Message.v1_1_2.Message", "MessageId": id, "Message": w.text}}
	case w.boot:
		o["TaskState"] = "Pending"
	case w.stuck:
		o["PercentComplete"] = 42
	case w.takes > 0:
		o["PercentComplete"] = min(99, int(100*now.Sub(w.begun)/w.takes))
	}
	return o
}

func taskRoutes() map[string]route {
	return map[string]route{
		taskService: {get: func(b *BMC, _ *call) (object, error) {
			return resource(taskService, "TaskService.v1_2_0", "TaskService", "Task Service").with(object{
				"ServiceEnabled": true, "CompletedTaskOverWritePolicy": "Oldest", "Status": healthy(), "Tasks": link(tasksPath),
			}), nil
		}},
		tasksPath: {get: func(b *BMC, _ *call) (object, error) {
			var ids []string
			for _, w := range b.works.list {
				ids = append(ids, w.id)
			}
			return collection(tasksPath, "TaskCollection", "Tasks", below(tasksPath, ids...)...), nil
		}},
		tasksPath + "/{}": {get: func(b *BMC, c *call) (object, error) {
			w, err := b.works.find(c)
			if err != nil {
				return nil, err
			}
			return w.object(b.now()), nil
		}, delete: deleteWork, working: true},
		monitorsPath + "/{}": {stream: getMonitor},
	}
}

// deleteWork forgets a task. An override comes to nothing without its job.
func deleteWork(b *BMC, c *call) error {
	w, err := b.works.find(c)
	if err != nil {
		return err
	}
	b.works.list = slices.DeleteFunc(b.works.list, func(x *work) bool { return x == w })
	if b.override.job == w.id {
		b.override = pendingBoot{}
	}
	b.jobless(w)
	return nil
}

// getMonitor is the task monitor (DSP0266, section "Asynchronous operations"): 202 while it works, then its result.
func getMonitor(b *BMC, c *call) error {
	var o object
	var err error
	var id, text string
	b.locked(func() {
		var w *work
		if w, err = b.works.find(c); err == nil {
			o, id, text = w.object(b.now()), w.id, w.text
		}
	})
	switch {
	case err != nil:
		return err
	case o["EndTime"] == nil:
		c.w.Header().Set("Location", monitorsPath+"/"+id)
		c.w.Header().Set("Retry-After", "1")
		writeJSON(c.w, http.StatusAccepted, o)
	case o["TaskState"] == "Completed":
		writeJSON(c.w, http.StatusOK, o)
	default:
		return problemf(http.StatusInternalServerError, "OperationFailed", "%s", text)
	}
	return nil
}
