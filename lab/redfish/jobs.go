package redfish

// The queue of jobs that iDRACs have at their manager, beside the tasks: the same works under other names (Dell's schema
// DellJob). What is deleted there never happens.

func jobRoutes() map[string]route {
	const at = root + "/Managers/{manager}/Jobs"
	return map[string]route{
		at: {get: func(b *BMC, c *call) (object, error) {
			if !b.shape.Quirks.JobQueue {
				return nil, notFound(c.URL.Path)
			}
			var ids []string
			for _, w := range b.works.list {
				ids = append(ids, w.id)
			}
			path := b.manager() + "/Jobs"
			return collection(path, "DellJobCollection", "JobQueue", below(path, ids...)...), nil
		}},
		at + "/{}": {get: func(b *BMC, c *call) (object, error) {
			if !b.shape.Quirks.JobQueue {
				return nil, notFound(c.URL.Path)
			}
			w, err := b.works.find(c)
			if err != nil {
				return nil, err
			}
			return w.job(b), nil
		}, delete: func(b *BMC, c *call) error {
			if !b.shape.Quirks.JobQueue {
				return notFound(c.URL.Path)
			}
			return deleteWork(b, c)
		}},
	}
}

// job is a work in the words of the queue.
func (w *work) job(b *BMC) object {
	kind, state := "FirmwareUpdate", "Running"
	if w.name == biosJob {
		kind = "BIOSConfiguration"
	}
	switch {
	case w.over() && w.state == "Completed":
		state = "Completed"
	case w.over():
		state = "Failed"
	case w.boot:
		state = "Scheduled"
	}
	return resource(b.manager()+"/Jobs/"+w.id, "DellJob.v1_4_0.DellJob", w.id, w.name).with(object{"JobType": kind, "JobState": state, "Message": w.text})
}
