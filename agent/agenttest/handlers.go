package agenttest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"socle/api"
)

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+api.PathSession, s.openSession)
	mux.HandleFunc("POST "+api.PathFacts, s.authorized(s.postFacts))
	mux.HandleFunc("POST "+api.PathLinks, s.authorized(s.postLinks))
	mux.HandleFunc("GET "+api.PathNextOrder, s.authorized(s.nextOrder))
	mux.HandleFunc("POST "+fmt.Sprintf(api.PathReport, "{id}"), s.authorized(s.report))
	mux.HandleFunc("GET "+fmt.Sprintf(api.PathIndex, "{digest}"), s.authorized(s.index))
	mux.HandleFunc("GET "+fmt.Sprintf(api.PathChunk, "{sum}"), s.authorized(s.chunk))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		fault := s.fault
		s.mu.Unlock()
		if fault == nil || !fault(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
}

func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", api.ContentTypeProblem)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(api.Problem{Title: http.StatusText(status), Status: status, Detail: detail})
}

func (s *Server) openSession(w http.ResponseWriter, r *http.Request) {
	var req api.SessionRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bootID != "" && s.bootID != req.BootID || req.Token != "boot-token" {
		problem(w, http.StatusUnauthorized, "this boot token was used by another boot")
		return
	}
	s.bootID = req.BootID
	s.sessions = append(s.sessions, req)
	s.notify()
	_ = json.NewEncoder(w).Encode(api.SessionReply{Session: s.session, Token: s.token, Machine: "test01", Place: "rack R1, U7"})
}

func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		ok := !s.ended && r.Header.Get("Authorization") == "Bearer "+s.token
		s.mu.Unlock()
		if !ok {
			problem(w, http.StatusUnauthorized, "the session has ended")
			return
		}
		next(w, r)
	}
}

func (s *Server) postFacts(w http.ResponseWriter, r *http.Request) { take(s, w, r, &s.facts) }

func (s *Server) postLinks(w http.ResponseWriter, r *http.Request) { take(s, w, r, &s.links) }

func take[T any](s *Server, w http.ResponseWriter, r *http.Request, into *[]T) {
	var p T
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	*into = append(*into, p)
	s.notify()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) nextOrder(w http.ResponseWriter, r *http.Request) {
	wait, err := time.ParseDuration(r.URL.Query().Get("wait"))
	if err != nil {
		problem(w, http.StatusBadRequest, "wait: "+err.Error())
		return
	}
	timeout := time.After(min(wait, pollFor))
	for {
		s.mu.Lock()
		changed, o, ended := s.changed, s.next(), s.ended
		s.mu.Unlock()
		if ended {
			problem(w, http.StatusUnauthorized, "the session has ended")
			return
		}
		if o != nil {
			_ = json.NewEncoder(w).Encode(o)
			return
		}
		select {
		case <-changed:
		case <-timeout:
			w.WriteHeader(http.StatusNoContent)
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	var rep api.Report
	if err := json.NewDecoder(r.Body).Decode(&rep); err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var o *Order
	for _, x := range s.orders {
		if x.ID == r.PathValue("id") {
			o = x
		}
	}
	if o == nil {
		problem(w, http.StatusNotFound, "no such order")
		return
	}
	if n := len(o.Reports); n == 0 || o.Reports[n-1].Seq < rep.Seq {
		o.Reports = append(o.Reports, rep)
	}
	if rep.State != "taken" && o.Final == nil {
		o.Final = &rep
	}
	s.notify()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	raw, ok := s.indexes[r.PathValue("digest")]
	s.mu.Unlock()
	s.bytes(w, raw, ok)
}

func (s *Server) chunk(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	sum := strings.Clone(r.PathValue("sum"))
	raw, ok := s.chunks[sum]
	s.fetched[sum]++
	s.mu.Unlock()
	s.bytes(w, raw, ok)
}

func (s *Server) bytes(w http.ResponseWriter, raw []byte, ok bool) {
	if !ok {
		problem(w, http.StatusNotFound, "the store does not have it")
		return
	}
	_, _ = io.Copy(w, strings.NewReader(string(raw)))
}
