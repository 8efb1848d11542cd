package redfish

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const (
	eventService      = root + "/EventService"
	subscriptionsPath = eventService + "/Subscriptions"
)

// event is something that happened.
type event struct {
	severity, id, text string
	kind               string // schema Event, EventType
	origin             string
	log                bool // belongs into the event log, too
}

// events are the subscribers.
type events struct {
	last    int // of subscriptions
	sent    int // of events
	all     []*subscription
	streams []*stream
}

// maxSubscriptions is how many a controller takes.
const maxSubscriptions = 16

// subscription is one receiver that events are posted to.
type subscription struct {
	id, destination, context string
	kinds                    []string // of events; none: all
	verify                   bool
	state                    string // "Enabled" or "Disabled" after too many failures
	queue                    [][]byte
	busy                     bool
}

// unplug ends the streams, as a restart of the controller does. Subscriptions outlast it.
func (e *events) unplug() {
	for _, s := range e.streams {
		close(s.lines)
	}
	e.streams = nil
}

// note makes an event known; the caller holds the lock.
func (b *BMC) note(e event) {
	if e.log {
		b.entries.add(logEntry{at: b.now(), severity: e.severity, text: e.text, message: e.id})
	}
	if _, lost := b.faults.occasion(LoseEvent, http.MethodPost, e.origin); lost {
		return
	}
	b.events.sent++
	for _, s := range b.events.all {
		if s.state == "Enabled" && (len(s.kinds) == 0 || slices.Contains(s.kinds, e.kind)) {
			b.post(s, e.body(b, s.context))
		}
	}
	for _, s := range b.events.streams {
		s.offer(strconv.Itoa(b.events.sent), e.body(b, ""))
	}
}

// body is the Event that is sent (schema Event).
func (e event) body(b *BMC, context string) object {
	id := strconv.Itoa(b.events.sent)
	return object{
		"@odata.type": "#Event.v1_7_0.Event", "Id": id, "Name": "Event", "Context": context,
		"Events": []any{object{
			"EventType": e.kind, "EventId": id, "MemberId": "0", "EventTimestamp": b.now().UTC().Format(time.RFC3339), "Severity": e.severity, "MessageSeverity": e.severity,
			"Message": e.text, "MessageId": e.id, "OriginOfCondition": link(e.origin),
		}},
	}
}

func eventKinds() []string { return []string{"StatusChange", "Alert", "ResourceUpdated"} }

func eventRoutes() map[string]route {
	const test = eventService + "/Actions/EventService.SubmitTestEvent"
	return map[string]route{
		eventService: {get: func(b *BMC, _ *call) (object, error) {
			o := resource(eventService, "EventService.v1_7_2", "EventService", "Event Service").with(object{
				"ServiceEnabled": true, "Status": healthy(), "DeliveryRetryAttempts": deliveryAttempts, "DeliveryRetryIntervalSeconds": int(deliveryPause.Seconds()),
				"EventTypesForSubscription": eventKinds(), "Subscriptions": link(subscriptionsPath),
				"Actions": object{"#EventService.SubmitTestEvent": object{"target": test}},
			})
			if !b.shape.Quirks.NoEventStream {
				o["ServerSentEventUri"] = eventService + "/SSE"
			}
			return o, nil
		}},
		subscriptionsPath: {get: func(b *BMC, _ *call) (object, error) {
			var ids []string
			for _, s := range b.events.all {
				ids = append(ids, s.id)
			}
			return collection(subscriptionsPath, "EventDestinationCollection", "Subscriptions", below(subscriptionsPath, ids...)...), nil
		}, post: subscribe},
		subscriptionsPath + "/{}": {get: func(b *BMC, c *call) (object, error) {
			s, err := b.subscription(c)
			if err != nil {
				return nil, err
			}
			return s.object(), nil
		}, patch: patchSubscription, delete: unsubscribe},
		test:                  {post: submitTestEvent},
		eventService + "/SSE": {stream: streamEvents},
	}
}

func (s *subscription) object() object {
	kinds := s.kinds
	if kinds == nil {
		kinds = eventKinds()
	}
	return resource(subscriptionsPath+"/"+s.id, "EventDestination.v1_11_2", s.id, "Subscription "+s.id).with(object{
		"Destination": s.destination, "Protocol": "Redfish", "Context": s.context, "SubscriptionType": "RedfishEvent", "EventFormatType": "Event",
		"EventTypes": kinds, "VerifyCertificate": s.verify, "DeliveryRetryPolicy": "SuspendRetries", "Status": object{"State": s.state},
	})
}

func (b *BMC) subscription(c *call) (*subscription, error) {
	if i := slices.IndexFunc(b.events.all, func(s *subscription) bool { return s.id == c.ids[0] }); i >= 0 {
		return b.events.all[i], nil
	}
	return nil, notFound(c.URL.Path)
}

func subscribe(b *BMC, c *call) (*reply, error) {
	var body struct {
		Destination, Protocol, Context, SubscriptionType, EventFormatType, DeliveryRetryPolicy, Name string
		EventTypes, RegistryPrefixes, ResourceTypes, MessageIds                                      []string
		VerifyCertificate                                                                            bool
		HTTPHeaders                                                                                  any `json:"HttpHeaders"`
		OriginResources                                                                              any
		SubordinateResources                                                                         bool
	}
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	u, err := url.Parse(body.Destination)
	switch {
	case body.Destination == "":
		return nil, missing("Destination")
	case body.Protocol == "":
		return nil, missing("Protocol")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, valueFormat("Destination", body.Destination)
	case body.Protocol != "Redfish":
		return nil, valueNotInList("Protocol", body.Protocol)
	case len(body.EventTypes) == 0 && b.shape.Quirks.EventKindsNeeded:
		return nil, missing("EventTypes")
	case len(b.events.all) >= maxSubscriptions:
		return nil, problemf(http.StatusBadRequest, "EventSubscriptionLimitExceeded", "The event subscription failed due to the number of simultaneous subscriptions exceeding the limit of the implementation.")
	}
	for _, k := range body.EventTypes {
		if !slices.Contains(eventKinds(), k) && k != "ResourceAdded" && k != "ResourceRemoved" {
			return nil, valueNotInList("EventTypes", k)
		}
	}
	b.events.last++
	s := &subscription{
		id: strconv.Itoa(b.events.last), destination: body.Destination, context: body.Context, kinds: body.EventTypes,
		verify: body.VerifyCertificate, state: "Enabled",
	}
	b.events.all = append(b.events.all, s)
	return &reply{status: http.StatusCreated, body: s.object(), location: subscriptionsPath + "/" + s.id}, nil
}

func patchSubscription(b *BMC, c *call) error {
	s, err := b.subscription(c)
	if err != nil {
		return err
	}
	var body struct {
		Context           *string
		VerifyCertificate *bool
		Status            *struct{ State string }
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.Context != nil {
		s.context = *body.Context
	}
	if body.VerifyCertificate != nil {
		s.verify = *body.VerifyCertificate
	}
	if body.Status != nil {
		if body.Status.State != "Enabled" && body.Status.State != "Disabled" {
			return valueNotInList("Status/State", body.Status.State)
		}
		s.state = body.Status.State
	}
	return nil
}

func unsubscribe(b *BMC, c *call) error {
	s, err := b.subscription(c)
	if err != nil {
		return err
	}
	b.events.all = slices.DeleteFunc(b.events.all, func(x *subscription) bool { return x == s })
	s.state = "Disabled"
	return nil
}

func submitTestEvent(b *BMC, c *call) (*reply, error) {
	var body struct {
		EventType, EventId, EventTimestamp, Severity, Message, MessageId, OriginOfCondition string
		MessageArgs                                                                         []string
		EventGroupId                                                                        any // a number in the schema, a string with gofish
	}
	if err := c.parameters(&body); err != nil {
		return nil, err
	}
	e := event{severity: body.Severity, id: body.MessageId, text: body.Message, kind: body.EventType, origin: eventService}
	if e.severity == "" {
		e.severity = OK
	}
	if e.id == "" {
		e.id = "ResourceEvent.1.2.TestMessage"
	}
	if e.kind == "" {
		e.kind = "Alert"
	}
	if !slices.Contains(eventKinds(), e.kind) {
		return nil, parameterNotInList("EventType", e.kind, "EventService.SubmitTestEvent")
	}
	b.note(e)
	return done()
}

// Subscribed is one receiver of events, as a client asked for it.
type Subscribed struct {
	ID, Destination, Context string
	Enabled                  bool // it is not after too many failures
}

// Subscriptions returns who is told of events, beside those who read the stream, of whom Streams counts.
func (b *BMC) Subscriptions() []Subscribed {
	var all []Subscribed
	b.locked(func() {
		for _, s := range b.events.all {
			all = append(all, Subscribed{ID: s.id, Destination: s.destination, Context: s.context, Enabled: s.state == "Enabled"})
		}
	})
	return all
}

// Streams counts the clients that read the stream of events.
func (b *BMC) Streams() int {
	var n int
	b.locked(func() { n = len(b.events.streams) })
	return n
}
