package safeguarding_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/safeguarding"
)

func TestWhatIsMoved(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		position              safeguarding.Position
		toCantonnement, fromC money.Cents
	}{
		"nothing":                         {safeguarding.Position{}, 0, 0},
		"the day's sales":                 {safeguarding.Position{PaymentAccounts: 100, Reglement: 110, Fees: 10}, 100, 0},
		"all that clients are owed":       {safeguarding.Position{PaymentAccounts: 50, Parked: 20, Rejects: 10, PayoutsUnremitted: 5, Reglement: 200}, 85, 0},
		"what is there already":           {safeguarding.Position{PaymentAccounts: 100, Reglement: 50, Cantonnement: 80}, 20, 0},
		"what is on its way":              {safeguarding.Position{PaymentAccounts: 100, Reglement: 50, Cantonnement: 50, InFlightToCantonnement: 40}, 10, 0},
		"remitted payouts stay":           {safeguarding.Position{PaymentAccounts: 100, PayoutsRemitted: 60, Reglement: 130, Fees: 5}, 65, 0},
		"what has not arrived":            {safeguarding.Position{PaymentAccounts: 100, PayoutsRemitted: 60, Reglement: 50, InFlightToReglement: 110}, 0, 0},
		"overdrawn":                       {safeguarding.Position{PaymentAccounts: 100, Reglement: -30, Cantonnement: 130}, 0, 30},
		"payouts":                         {safeguarding.Position{PaymentAccounts: 40, PayoutsUnremitted: 60, Reglement: 20, Cantonnement: 80}, 20, 40},
		"payouts, remitted ones too":      {safeguarding.Position{PayoutsUnremitted: 60, PayoutsRemitted: 10, Reglement: 20, Cantonnement: 80}, 0, 50},
		"payouts that are on their way":   {safeguarding.Position{PayoutsRemitted: 60, Reglement: 20, InFlightToReglement: 30, Cantonnement: 80}, 0, 10},
		"fees pay no payout":              {safeguarding.Position{PayoutsRemitted: 60, Reglement: 20, Fees: 15, Cantonnement: 80}, 0, 55},
		"clients pay no fees":             {safeguarding.Position{PaymentAccounts: 80, Fees: 15, Cantonnement: 80}, 0, 0},
		"no more than cantonnement holds": {safeguarding.Position{PayoutsRemitted: 60, Reglement: 20, Cantonnement: 30}, 0, 30},
		"cantonnement overdrawn":          {safeguarding.Position{PayoutsRemitted: 60, Reglement: 20, Cantonnement: -30}, 0, 0},
	} {
		require.Equal(t, test.toCantonnement, safeguarding.Cantonnement(test.position), name)
		require.Equal(t, test.fromC, safeguarding.Decantonnement(test.position), name)
	}
}

func genPosition() *rapid.Generator[safeguarding.Position] {
	return rapid.Custom(func(t *rapid.T) safeguarding.Position {
		return safeguarding.Position{
			PaymentAccounts: genCents(0).Draw(t, "paymentAccounts"), Parked: genCents(0).Draw(t, "parked"),
			Rejects: genCents(0).Draw(t, "rejects"), PayoutsUnremitted: genCents(0).Draw(t, "unremitted"),
			PayoutsRemitted: genCents(0).Draw(t, "remitted"), Fees: genCents(0).Draw(t, "fees"),
			Reglement: genCents(-50).Draw(t, "reglement"), Cantonnement: genCents(0).Draw(t, "cantonnement"),
			InFlightToReglement:    genCents(0).Draw(t, "inFlightToReglement"),
			InFlightToCantonnement: genCents(0).Draw(t, "inFlightToCantonnement"),
		}
	})
}

// safe is what stays with clients beside payouts.
func safe(p safeguarding.Position) money.Cents { return p.PaymentAccounts + p.Parked + p.Rejects }

// sound tells that all that is owed, and the EP's own commission, is held.
func sound(p safeguarding.Position) bool {
	return p.Reglement+p.Cantonnement+p.InFlightToReglement+p.InFlightToCantonnement >=
		safe(p)+p.PayoutsUnremitted+p.PayoutsRemitted+p.Fees
}

func TestCantonnementLeavesWhatReglementNeeds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := genPosition().Draw(t, "position")
		moved := safeguarding.Cantonnement(p)
		require.GreaterOrEqual(t, moved, money.Cents(0))

		left, there := p.Reglement-moved, p.Cantonnement+p.InFlightToCantonnement+moved
		if moved > 0 {
			require.GreaterOrEqual(t, left, p.PayoutsRemitted+p.Fees)
			require.LessOrEqual(t, there, safe(p)+p.PayoutsUnremitted, "no own money on cantonnement")
		}

		if there < safe(p)+p.PayoutsUnremitted {
			require.LessOrEqual(t, left, p.PayoutsRemitted+p.Fees, "règlement keeps nothing that it does not need")
		}

		if sound(p) && p.InFlightToReglement == 0 {
			require.GreaterOrEqual(t, there, safe(p)+p.PayoutsUnremitted)
		}
	})
}

func TestDecantonnementBringsWhatReglementNeeds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := genPosition().Draw(t, "position")
		moved := safeguarding.Decantonnement(p)
		require.GreaterOrEqual(t, moved, money.Cents(0))
		require.LessOrEqual(t, moved, p.Cantonnement, "never overdrawn")

		payouts := p.PayoutsUnremitted + p.PayoutsRemitted
		if moved < p.Cantonnement {
			require.GreaterOrEqual(t, p.Reglement+p.InFlightToReglement+moved, payouts)
		}

		if moved > 0 {
			require.LessOrEqual(t, p.Reglement+p.InFlightToReglement+moved, payouts+p.Fees, "no more than is needed")
		}

		if sound(p) && moved > 0 {
			require.GreaterOrEqual(t, p.Cantonnement+p.InFlightToCantonnement-moved, safe(p), "what clients keep stays safe")
		}
	})
}

// TestADayOfPayouts moves money as the day does: décantonnement, remittance, cantonnement, and then the bank's debits.
func TestADayOfPayouts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := genPosition().Draw(t, "position")
		p.InFlightToReglement, p.InFlightToCantonnement = 0, 0
		p.Reglement = max(p.Reglement, p.Fees)
		p.Reglement += max(0, safe(p)+p.PayoutsUnremitted+p.PayoutsRemitted+p.Fees-p.Reglement-p.Cantonnement)
		owedBefore := safe(p) + p.PayoutsUnremitted + p.PayoutsRemitted

		moved := safeguarding.Decantonnement(p)
		p.Cantonnement, p.Reglement = p.Cantonnement-moved, p.Reglement+moved
		p.PayoutsRemitted, p.PayoutsUnremitted = p.PayoutsRemitted+p.PayoutsUnremitted, 0
		require.GreaterOrEqual(t, p.Reglement, p.PayoutsRemitted+p.Fees)

		p.InFlightToCantonnement = safeguarding.Cantonnement(p)
		p.Reglement -= p.InFlightToCantonnement
		require.Zero(t, safeguarding.Cantonnement(p), "what is ordered is not ordered again")
		require.Zero(t, safeguarding.Decantonnement(p), "nor fetched back")
		require.GreaterOrEqual(t, p.Reglement, p.PayoutsRemitted+p.Fees)

		found, err := safeguarding.New(ledger.Books{
			CP: p.PaymentAccounts, Parked: p.Parked, Rejects: p.Rejects, Payouts: p.PayoutsRemitted, Fees: p.Fees,
			Reglement: -p.Reglement, Cantonnement: -p.Cantonnement,
			TransitToClients: -p.InFlightToCantonnement, TransitToCantonnement: -p.InFlightToCantonnement,
		}, day(t, "2026-11-23"), &safeguarding.Statement{Date: day(t, "2026-11-20"), Owed: owedBefore}, safeguarding.Left{WithBank: p.PayoutsRemitted})
		require.NoError(t, err)
		require.Empty(t, found.Breaches())

		p.Reglement -= p.PayoutsRemitted
		require.GreaterOrEqual(t, p.Reglement, p.Fees)
		require.GreaterOrEqual(t, p.Cantonnement+p.InFlightToCantonnement, safe(p))
	})
}
