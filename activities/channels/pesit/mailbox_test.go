package pesit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	channel "github.com/reglo/reglo/activities/channels/pesit"
	partner "github.com/reglo/reglo/deploy/partners/pesit"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/pesit"
)

// TestAMailbox: what comes of each agreed file, whatever happens at its end.
func TestAMailbox(t *testing.T) {
	t.Parallel()
	agreed, err := channels.ParseAgreed("REPORT{ddd}:RELEVE_{yyyyMMdd}.120,OTHER:pain002.xml")
	require.NoError(t, err)
	date, err := calendar.NewDate(2026, time.March, 17)
	require.NoError(t, err)
	kinds := func(kind pesit.Kind) []pesit.Kind { return []pesit.Kind{kind} }
	content := text(5000)
	for label, want := range map[string]struct {
		faults partner.Faults
		fails  bool
	}{
		"whole":               {},
		"truncated":           {faults: partner.Faults{Truncate: 1000}, fails: true},
		"of other counts":     {faults: partner.Faults{WrongCounts: true}, fails: true},
		"cut in the content":  {faults: partner.Faults{CutSent: 700}, fails: true},
		"cut before its end":  {faults: partner.Faults{CutBefore: kinds(pesit.DTFEnd)}, fails: true},
		"unconfirmed":         {faults: partner.Faults{CutBefore: kinds(pesit.AckTransEnd)}},
		"confirmed to nobody": {faults: partner.Faults{CutBefore: kinds(pesit.TransEnd)}},
		"refused":             {faults: partner.Faults{Refuse: map[pesit.Kind]pesit.Diagnostic{pesit.Connect: pesit.Reason(301)}}, fails: true},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			b.SetFaults(want.faults)
			require.NoError(t, os.WriteFile(filepath.Join(b.offered, "REPORT076"), content, 0o600))
			var box channels.Mailbox = channel.NewMailbox(calls(t, b.settings()), agreed)
			offers, err := box.Offers(t.Context(), date, []channels.Announcement{{Transfer: "1", Name: "X"}})
			require.NoError(t, err)
			require.Equal(t, []channels.Offer{
				{Flow: "REPORT076", Name: "RELEVE_20260317.120", Bytes: -1}, {Flow: "OTHER", Name: "pain002.xml", Bytes: -1},
			}, offers)
			var came bytes.Buffer
			err = box.Fetch(t.Context(), offers[0], &came)
			if want.fails {
				require.Error(t, err)
				require.NotErrorIs(t, err, channels.ErrNoFile)
			} else {
				require.NoError(t, err)
				require.True(t, bytes.Equal(content, came.Bytes()))
			}
			require.NoError(t, box.Taken(t.Context(), offers[0]))

			b.SetFaults(partner.Faults{})
			require.ErrorIs(t, box.Fetch(t.Context(), offers[1], &came), channels.ErrNoFile)
			came.Reset()
			require.NoError(t, box.Fetch(t.Context(), offers[0], &came), "asked for again")
			require.True(t, bytes.Equal(content, came.Bytes()))
		})
	}
}
