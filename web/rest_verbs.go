package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

// powerTimeout bounds a word with a BMC: some take many seconds to answer.
const powerTimeout = 2 * time.Minute

type (
	deployInput struct {
		MachineRef
		Body api.DeployRequest
	}
	inspectInput struct {
		MachineRef
		Body *api.InspectRequest // optional: none is by the network
	}
	testInput struct {
		MachineRef
		Body *api.TestRequest // optional: none is by the model's plan
	}
	holdInput struct {
		MachineRef
		Body api.HoldRequest
	}
	powerInput struct {
		MachineRef
		Body api.PowerRequest
	}
	powerPolicyInput struct {
		MachineRef
		Body api.PowerPolicyRequest
	}
	mediumInput struct {
		MachineRef
		Body api.MediumRequest
	}
	rotateInput struct {
		MachineRef
		Body api.RotateRequest
	}
	buildOutInput struct{ Body api.BuildOutRequest }
)

func (s *Server) restVerbs(a huma.API) {
	at := func(verb string) string { return api.PathMachines + "/{ref}/" + verb }
	register(s, a, post("deploy-machine", at("deploy"), "Deploy a role; destroys what is on the disks, so it names the serial", "verbs"),
		func(ctx context.Context, in *deployInput) (*body[api.Machine], error) {
			return s.did(s.o.Verbs.Deploy(ctx, actor(ctx), in.Ref, in.Body))
		})
	register(s, a, post("hold-machine", at("hold"), "Hands off: Socle does nothing with the machine until it is released", "verbs"),
		func(ctx context.Context, in *holdInput) (*body[api.Machine], error) {
			return s.did(s.o.Verbs.Hold(ctx, actor(ctx), in.Ref, in.Body.Reason))
		})
	register(s, a, post("release-machine", at("release"), "End a hold", "verbs"),
		func(ctx context.Context, in *MachineRef) (*body[api.Machine], error) {
			return s.did(s.o.Verbs.Release(ctx, actor(ctx), in.Ref))
		})
	register(s, a, post("inspect-machine", at("inspect"), "Boot the ramdisk and read the hardware again", "verbs"),
		func(ctx context.Context, in *inspectInput) (*body[api.Machine], error) {
			var r api.InspectRequest
			if in.Body != nil {
				r = *in.Body
			}
			return s.did(s.o.Verbs.Inspect(ctx, actor(ctx), in.Ref, r))
		})
	register(s, a, post("test-machine", at("test"), "Inspect and then run the tests of the machine's plan, or of another one", "verbs"),
		func(ctx context.Context, in *testInput) (*body[api.Machine], error) {
			var r api.TestRequest
			if in.Body != nil {
				r = *in.Body
			}
			return s.did(s.o.Verbs.Test(ctx, actor(ctx), in.Ref, r))
		})
	register(s, a, post("stop-test", at("test/stop"), "Stop the tests of a machine", "verbs"),
		func(ctx context.Context, in *MachineRef) (*body[api.Machine], error) {
			return s.did(s.o.Verbs.StopTest(ctx, actor(ctx), in.Ref))
		})
	register(s, a, post("make-medium", at("medium"), "The kernel parameters of a boot medium for a machine without network boot; they hold a token", "verbs"),
		func(ctx context.Context, in *mediumInput) (*body[api.MediumReply], error) {
			reply, err := s.o.Verbs.Medium(ctx, actor(ctx), in.Ref, in.Body)
			return &body[api.MediumReply]{reply}, err
		})
	register(s, a, post("rotate-bmc-login", at("bmc/rotate"), "Give the BMC a new account with a password that nobody knows; it goes on by itself", "verbs"),
		func(ctx context.Context, in *rotateInput) (*body[api.RotateReply], error) {
			ctx, cancel := context.WithTimeout(ctx, powerTimeout)
			defer cancel()
			reply, err := s.o.Verbs.Rotate(ctx, actor(ctx), in.Ref, in.Body)
			return &body[api.RotateReply]{reply}, err
		})
	register(s, a, post("power-machine", at("power"), "Change or read the power through the BMC", "verbs"), s.power)
	register(s, a, post("set-power-policy", at("power-policy"), "What is done when the power is found otherwise than it was wanted last", "verbs"),
		func(ctx context.Context, in *powerPolicyInput) (*body[api.Machine], error) {
			return s.did(s.o.Power.SetPowerPolicy(ctx, actor(ctx), in.Ref, in.Body.Policy))
		})
	register(s, a, post("build-out", api.PathBuildOut, "Bring machines to work: found, inspected, matched, deployed, verified", "verbs"),
		func(ctx context.Context, in *buildOutInput) (*body[api.BuildOutReply], error) {
			reply, err := s.o.Verbs.BuildOut(ctx, actor(ctx), in.Body)
			if err != nil {
				return nil, err
			}
			if reply.Started == nil {
				reply.Started = []string{}
			}
			return &body[api.BuildOutReply]{reply}, nil
		})
}

// did answers a verb with the machine as it is now.
func (s *Server) did(m inventory.Machine, err error) (*body[api.Machine], error) {
	if err != nil {
		return nil, err
	}
	m.Facts = nil
	return &body[api.Machine]{machineOut(m, nil)}, nil
}

func (s *Server) power(ctx context.Context, in *powerInput) (*body[api.PowerReply], error) {
	ctx, cancel := context.WithTimeout(ctx, powerTimeout)
	defer cancel()
	p, err := s.o.Power.Power(ctx, actor(ctx), in.Ref, in.Body.Action)
	if err != nil {
		return nil, err
	}
	return &body[api.PowerReply]{api.PowerReply{Power: powerOut(p)}}, nil
}
