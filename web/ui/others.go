package ui

import "socle/api"

// Login asks for the admin token.
type Login struct {
	Next  string // path to go on to
	Wrong bool   // the token was not right
}

func (Login) name() string  { return "login" }
func (Login) title() string { return "Log in" }

// Problem is an error for people.
type Problem struct {
	Problem *api.Problem
	Request string // id in the log
}

func (Problem) name() string    { return "problem" }
func (p Problem) title() string { return p.Problem.Title }

// NewProblem makes the page of an error.
func NewProblem(p *api.Problem, request string) Problem {
	c := scrub(*p)
	return Problem{Problem: &c, Request: request}
}
