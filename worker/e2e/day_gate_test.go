//go:build linux

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"

	"github.com/reglo/reglo/activities/channels"
)

// gateVariable names a folder of moments: the first worker that comes to one of
// them takes it away and dies there, by kill -9. Without it no worker dies.
const gateVariable = "E2E_GATE"

// moment is where a worker dies: at an activity of a vacation, or at the channel to the bank.
type moment struct {
	vacation string // the name of a workflow, or atChannel
	activity string
	when     string
}

// When a worker dies at an activity: before it has done anything, or when all is
// committed and Temporal was not told.
const (
	justStarted = "before"
	notTold     = "after"

	atChannel = "channel"
	sending   = "send"
)

func (m moment) String() string { return m.vacation + "." + m.activity + "." + m.when }

// arm has workers of a folder die at these moments, each once.
func arm(t testing.TB, folder string, moments ...moment) {
	t.Helper()
	require.NoError(t, os.MkdirAll(folder, 0o700))
	for _, one := range moments {
		require.NoError(t, os.WriteFile(filepath.Join(folder, one.String()), nil, 0o600))
	}
}

// armed are the moments of a folder that no worker has come to.
func armed(t testing.TB, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*."+justStarted))
	require.NoError(t, err)
	more, err := filepath.Glob(filepath.Join(folder, "*."+notTold))
	require.NoError(t, err)
	var names []string
	for _, file := range append(files, more...) {
		names = append(names, filepath.Base(file))
	}
	return names
}

// hitEnding is what a moment's file is renamed by: one process only can.
const hitEnding = ".hit"

// gate kills its own process.
type gate struct {
	interceptor.WorkerInterceptorBase

	folder string
}

// pass returns unless this is a moment to die.
func (g *gate) pass(at moment) {
	if g.folder == "" {
		return
	}
	path := filepath.Join(g.folder, at.String())
	if os.Rename(path, path+hitEnding) != nil {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // which nothing can keep from happening
	select {}
}

func (g *gate) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	gated := &gatedActivity{gate: g}
	gated.Next = next
	return gated
}

type gatedActivity struct {
	interceptor.ActivityInboundInterceptorBase

	gate *gate
}

func (g *gatedActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	at := moment{vacation: info.WorkflowType.Name, activity: info.ActivityType.Name, when: justStarted}
	g.gate.pass(at)
	result, err := g.Next.ExecuteActivity(ctx, in)
	if err == nil {
		at.when = notTold
		g.gate.pass(at)
	}
	return result, err
}

// sendsFile is where workers write down each bulk that they are about to hand over.
const sendsFile = "sends"

// gatedChannel has the channel to the bank write down what it is asked to hand
// over, and die before or after.
func gatedChannel(channel channels.Channel) channels.Channel {
	folder := os.Getenv(gateVariable)
	if folder == "" {
		return channel
	}
	return &deadlyChannel{Channel: channel, gate: &gate{folder: folder}}
}

type deadlyChannel struct {
	channels.Channel

	gate *gate
}

func (c *deadlyChannel) Send(ctx context.Context, file channels.File) (channels.Outcome, error) {
	c.pass(file.Name, justStarted)
	if err := c.note(file.Name); err != nil {
		return channels.Outcome{}, err
	}
	outcome, err := c.Channel.Send(ctx, file)
	c.pass(file.Name, notTold)
	return outcome, err
}

// pass dies at the first file, or at that of this name.
func (c *deadlyChannel) pass(name, when string) {
	c.gate.pass(moment{atChannel, sending, when})
	c.gate.pass(moment{atChannel, name, when})
}

func (c *deadlyChannel) note(name string) error {
	file, err := os.OpenFile(filepath.Join(c.gate.folder, sendsFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, name)
	return errors.Join(err, file.Close())
}
