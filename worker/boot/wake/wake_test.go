package wake_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/worker/boot/wake"
	"github.com/reglo/reglo/workflows"
)

// signaler is Temporal, as far as a waker sees it.
type signaler struct {
	id, signal string
	options    client.StartWorkflowOptions
	workflow   any
	arguments  []any
	err        error
}

func (s *signaler) SignalWithStartWorkflow(
	_ context.Context, id, signal string, _ any, options client.StartWorkflowOptions, workflow any, arguments ...any,
) (client.WorkflowRun, error) {
	s.id, s.signal, s.options, s.workflow, s.arguments = id, signal, options, workflow, arguments
	return nil, s.err
}

func TestWake(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wake     func(ctx context.Context, server wake.Signaler) error
		id       string
		signal   string
		workflow string
		request  any
	}{
		"reception": {
			func(ctx context.Context, server wake.Signaler) error {
				_, err := wake.Reception(ctx, server, "notice")
				return err
			},
			"reception", workflows.NoticeSignal, workflows.ReceptionName, workflows.ReceptionRequest{RequestedBy: "notice"},
		},
		"postings": {
			func(ctx context.Context, server wake.Signaler) error {
				_, err := wake.Postings(ctx, server, "998")
				return err
			},
			"erp/998", workflows.PostingSignal, workflows.PostingName, workflows.PostingRequest{Dossier: "998"},
		},
		"payments": {
			func(ctx context.Context, server wake.Signaler) error {
				_, err := wake.Payments(ctx, server, "notification")
				return err
			},
			"payments", workflows.NotificationSignal, workflows.PaymentsName, workflows.PaymentsRequest{RequestedBy: "notification"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := new(signaler)
			require.NoError(t, test.wake(t.Context(), server))
			require.Equal(t, test.id, server.id)
			require.Equal(t, test.id, server.options.ID)
			require.Equal(t, test.signal, server.signal)
			require.Equal(t, test.workflow, server.workflow)
			require.Equal(t, workflows.Queue, server.options.TaskQueue)
			require.Equal(t, []any{test.request}, server.arguments)
			server.err = serviceerror.NewUnavailable("away")
			require.ErrorIs(t, test.wake(t.Context(), server), server.err)
		})
	}
}
