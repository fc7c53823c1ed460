//go:build linux

package e2e_test

import (
	"time"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/workflows"
)

// haste shortens the pauses of the postings to the ERP, so that a test may have
// many go wrong. What they do is the same.
type haste struct {
	interceptor.WorkerInterceptorBase
}

// hastyPause is the longest pause: a look for a posting comes after what the
// stand-in still works on when it was given up.
const hastyPause = 200 * time.Millisecond

func (*haste) InterceptWorkflow(
	ctx workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	if workflow.GetInfo(ctx).WorkflowType.Name != workflows.PostingName {
		return next
	}
	return &hastyInbound{WorkflowInboundInterceptorBase: interceptor.WorkflowInboundInterceptorBase{Next: next}}
}

type hastyInbound struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (i *hastyInbound) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&hastyOutbound{
		WorkflowOutboundInterceptorBase: interceptor.WorkflowOutboundInterceptorBase{Next: outbound},
	})
}

type hastyOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (o *hastyOutbound) Sleep(ctx workflow.Context, rest time.Duration) error {
	return o.Next.Sleep(ctx, min(rest, hastyPause))
}

func (o *hastyOutbound) AwaitWithTimeout(ctx workflow.Context, rest time.Duration, condition func() bool) (bool, error) {
	return o.Next.AwaitWithTimeout(ctx, min(rest, hastyPause), condition)
}
