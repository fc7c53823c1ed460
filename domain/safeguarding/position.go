package safeguarding

import "github.com/reglo/reglo/domain/money"

// Position is what the two accounts that hold clients' money have to serve, at the moment at which money is to be moved
// between them. What is owed and what is on its way is zero or more; a balance is below zero when the account is overdrawn.
type Position struct {
	PaymentAccounts   money.Cents // on the payment accounts
	Parked            money.Cents // of lines whose payment account is not known or closed
	Rejects           money.Cents // payouts that came back, and are not on the payment accounts again yet
	PayoutsUnremitted money.Cents // payouts ordered, and not sent to the bank yet
	PayoutsRemitted   money.Cents // payouts sent to the bank, and not debited yet
	Fees              money.Cents // commission on règlement that is the EP's own, and not moved to fonctionnement yet

	Reglement              money.Cents
	Cantonnement           money.Cents
	InFlightToReglement    money.Cents // own transfers to règlement that have not arrived
	InFlightToCantonnement money.Cents // own transfers to cantonnement that have not arrived
}

// Cantonnement is how much to move from règlement to cantonnement, zero or more: what clients are owed and cantonnement
// lacks, remitted payouts aside. Règlement keeps what the bank will debit for these, and the commission, which is the EP's
// own and may not be mixed with clients' money. What has not arrived on règlement yet is not given away: a transfer of ours
// that is late must not make the bank refuse a remittance.
func Cantonnement(p Position) money.Cents {
	lacking := p.PaymentAccounts + p.Parked + p.Rejects + p.PayoutsUnremitted - p.Cantonnement - p.InFlightToCantonnement
	spare := p.Reglement - p.PayoutsRemitted - p.Fees

	return max(0, min(lacking, spare))
}

// Decantonnement is how much to move from cantonnement to règlement, zero or more and at most what stands there: what the
// payouts ordered, remitted or not, will take from règlement and what it lacks for them, an overdraft included. The
// commission on règlement serves no payout; where it is not there, clients' money does not make up for it.
func Decantonnement(p Position) money.Cents {
	available := p.Reglement + p.InFlightToReglement
	if available > 0 {
		available = max(0, available-p.Fees)
	}

	lacking := p.PayoutsUnremitted + p.PayoutsRemitted - available

	return max(0, min(lacking, p.Cantonnement))
}
