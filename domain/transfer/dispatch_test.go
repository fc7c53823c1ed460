package transfer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/transfer"
)

func TestHowFarABulkIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		of   transfer.Handover
		want transfer.Dispatch
	}{
		"made":                         {transfer.Handover{State: transfer.Prepared}, transfer.DispatchPrepared},
		"attempted":                    {transfer.Handover{State: transfer.Prepared, Attempted: true}, transfer.DispatchSent},
		"attempted, and reported":      {transfer.Handover{State: transfer.Prepared, Attempted: true, Reported: true}, transfer.DispatchConfirmed},
		"attempted, and debited":       {transfer.Handover{State: transfer.Prepared, Attempted: true, Debited: true}, transfer.DispatchConfirmed},
		"unknown":                      {transfer.Handover{State: transfer.Unknown, Attempted: true}, transfer.DispatchUnknown},
		"unknown, and debited":         {transfer.Handover{State: transfer.Unknown, Attempted: true, Debited: true}, transfer.DispatchConfirmed},
		"accepted by the channel":      {transfer.Handover{State: transfer.Sent, Attempted: true}, transfer.DispatchAccepted},
		"accepted by the bank":         {transfer.Handover{State: transfer.Sent, Attempted: true, Reported: true}, transfer.DispatchConfirmed},
		"debited, not settled yet":     {transfer.Handover{State: transfer.Sent, Attempted: true, Debited: true}, transfer.DispatchConfirmed},
		"executed":                     {transfer.Handover{State: transfer.Executed, Attempted: true}, transfer.DispatchConfirmed},
		"executed after a report":      {transfer.Handover{State: transfer.Executed, Attempted: true, Reported: true, Debited: true}, transfer.DispatchConfirmed},
		"rejected":                     {transfer.Handover{State: transfer.Rejected, Attempted: true}, transfer.DispatchRejected},
		"accepted first, then refused": {transfer.Handover{State: transfer.Rejected, Attempted: true, Reported: true}, transfer.DispatchRejected},
		"a state that there is not":    {transfer.Handover{State: "LOST", Attempted: true}, transfer.DispatchUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.of.Dispatch())
		})
	}
}
