package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

func codes() []ledger.Code {
	return []ledger.Code{
		ledger.Reglement, ledger.Cantonnement, ledger.Fonctionnement, ledger.Parked, ledger.FeesDue, ledger.CommissionEarned,
		ledger.Opening, ledger.CP("1A17660007"), ledger.CP("1A17660008"), ledger.Suspense("00000120260317UEP"),
		ledger.Debt("73282932000074"), ledger.Transit("order"), "TR.OUT.order", "TR.REJ.lot", "PL.NET", "PL.LOSS",
	}
}

func drawEntries(t *rapid.T) []ledger.Entry {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ledger.Entry {
		sides := rapid.Permutation(codes()).Draw(t, "sides")
		return ledger.Entry{
			Debit: sides[0], Credit: sides[1],
			Amount: money.Cents(rapid.Int64Range(1, 1_000_000_000_00).Draw(t, "amount")),
		}
	}), 0, 50).Draw(t, "entries")
}

func TestMovementsAreTheSumsOfTheEntriesSides(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		entries := drawEntries(t)
		movements, err := ledger.Movements(entries)
		require.NoError(t, err)

		var total money.Cents
		for _, code := range codes() {
			var debit, credit money.Cents
			for _, entry := range entries {
				if entry.Debit == code {
					debit += entry.Amount
				}
				if entry.Credit == code {
					credit += entry.Amount
				}
			}
			require.Equal(t, ledger.Movement{Debit: debit, Credit: credit}, movements[code], code)
			total += credit - debit
		}
		require.Zero(t, total, "entries always sum to zero")
	})
}

// TestBooksOfEntriesAlwaysSumToZero posts random entries on accounts of every class.
func TestBooksOfEntriesAlwaysSumToZero(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		movements, err := ledger.Movements(drawEntries(t))
		require.NoError(t, err)
		var books ledger.Books
		for code, movement := range movements {
			balance := movement.Credit - movement.Debit
			*sumOf(&books, code) += balance
		}
		for _, breach := range books.Check() {
			require.NotEqual(t, ledger.ZeroSum, breach.Invariant, breach)
		}
	})
}

func sumOf(books *ledger.Books, code ledger.Code) *money.Cents {
	switch code.Class() {
	case ledger.ClassBank:
		return map[ledger.Code]*money.Cents{
			ledger.Reglement: &books.Reglement, ledger.Cantonnement: &books.Cantonnement, ledger.Fonctionnement: &books.Fonctionnement,
		}[code]
	case ledger.ClassCP:
		return &books.CP
	case ledger.ClassSuspense:
		return &books.Suspense
	case ledger.ClassParked:
		return &books.Parked
	case ledger.ClassPayout:
		return &books.Payouts
	case ledger.ClassReject:
		return &books.Rejects
	case ledger.ClassTransit:
		return &books.TransitToClients
	case ledger.ClassFee:
		return &books.Fees
	case ledger.ClassDebt:
		return &books.Debts
	case ledger.ClassResult:
		return &books.Result
	case ledger.ClassEquity:
		return &books.Equity
	default:
		panic("no class: " + code)
	}
}

func TestEntriesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, entry := range map[string]ledger.Entry{
		"zero":      {Debit: ledger.Reglement, Credit: ledger.Parked},
		"negative":  {Debit: ledger.Reglement, Credit: ledger.Parked, Amount: -1},
		"one sided": {Debit: ledger.Parked, Credit: ledger.Parked, Amount: 1},
	} {
		_, err := ledger.Movements([]ledger.Entry{{Debit: ledger.Parked, Credit: ledger.FeesDue, Amount: 1}, entry})
		var refused *ledger.EntryError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, entry, refused.Entry)
		require.ErrorContains(t, err, "a positive amount between two accounts")
	}

	most := ledger.Entry{Debit: ledger.Reglement, Credit: ledger.Parked, Amount: money.Max}
	for _, more := range []ledger.Entry{
		{Debit: ledger.Reglement, Credit: ledger.FeesDue, Amount: 1},
		{Debit: ledger.FeesDue, Credit: ledger.Parked, Amount: 1},
	} {
		_, err := ledger.Movements([]ledger.Entry{most, more})
		require.ErrorIs(t, err, money.ErrOverflow)
		var refused *ledger.EntryError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, more, refused.Entry)
	}
}

func TestClassOfACode(t *testing.T) {
	t.Parallel()
	for code, class := range map[ledger.Code]ledger.Class{
		ledger.Reglement: ledger.ClassBank, ledger.Cantonnement: ledger.ClassBank, ledger.Fonctionnement: ledger.ClassBank,
		ledger.Parked: ledger.ClassParked, ledger.FeesDue: ledger.ClassFee, ledger.CommissionEarned: ledger.ClassResult,
		ledger.Opening: ledger.ClassEquity, ledger.CP("1A17660007"): ledger.ClassCP, ledger.Suspense("X"): ledger.ClassSuspense,
		ledger.Debt("73282932000074"): ledger.ClassDebt, ledger.Transit("X"): ledger.ClassTransit,
		"TR.OUT.X": ledger.ClassPayout, "TR.REJ.X": ledger.ClassReject,
		"": "", "TR": "", "TR.SETX": "", "CPX": "", "XX.CP": "",
	} {
		require.Equal(t, class, code.Class(), string(code))
	}
	id, isCP := ledger.CP("1A17660007").AccountID()
	require.True(t, isCP)
	require.Equal(t, "1A17660007", id)
	_, isCP = ledger.Parked.AccountID()
	require.False(t, isCP)
}

// sound are books in which every class holds something: clients are owed
// 1,000.00, of which 600.00 are on règlement, 300.00 on cantonnement, 60.00 on
// their way, and 40.00 to be ordered by a vacation that runs.
func sound() ledger.Books {
	return ledger.Books{
		Reglement: -70_000, Cantonnement: -30_000, Fonctionnement: -50_000,
		CP: 80_000, Parked: 10_000, Payouts: 6_000, Rejects: 4_000,
		Suspense: 8_000, TransitToClients: -6_000, TransitToOwn: -500,
		Fees: 2_500, Debts: -10_000, DebtsRegistered: 10_000, Result: 3_000, Equity: 53_000,
		CoversToOrder: 4_000,
	}
}

func TestSoundBooksBreakNothing(t *testing.T) {
	t.Parallel()
	require.Empty(t, sound().Check())
	require.Empty(t, ledger.Books{}.Check())
}

func TestEachBreachIsNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil  func(*ledger.Books)
		breach ledger.Breach
	}{
		"a cent too much": {
			func(b *ledger.Books) { b.Equity++ },
			ledger.Breach{Invariant: ledger.ZeroSum, Where: "whole ledger", Detail: "sums to 0.01, not to zero"},
		},
		"a CP below zero": {
			func(b *ledger.Books) { b.CPBelowZero = 2 },
			ledger.Breach{Invariant: ledger.NoOverdraft, Where: "CP", Detail: "2 accounts are below zero"},
		},
		"client money on fonctionnement": {
			func(b *ledger.Books) { b.Reglement, b.Fonctionnement = b.Reglement+11_000, b.Fonctionnement-11_000 },
			ledger.Breach{Invariant: ledger.Safeguarding, Where: "client money", Detail: "held 990.00, owed 1000.00: 10.00 short"},
		},
		"a debt that the register does not know": {
			func(b *ledger.Books) { b.DebtsRegistered-- },
			ledger.Breach{Invariant: ledger.DebtsAgree, Where: "DEBT", Detail: "accounts hold 100.00, the register 99.99"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			books := sound()
			test.spoil(&books)
			require.Equal(t, []ledger.Breach{test.breach}, books.Check())
			require.Equal(t, string(test.breach.Invariant)+": "+test.breach.Where+": "+test.breach.Detail, test.breach.String())
		})
	}
}

// TestSafeguardingToTheCent moves client money away until a cent is missing.
func TestSafeguardingToTheCent(t *testing.T) {
	t.Parallel()
	books := sound()
	books.Reglement, books.Fonctionnement = books.Reglement+10_000, books.Fonctionnement-10_000
	require.Empty(t, books.Check(), "exactly what is owed is held")
	books.Reglement, books.Fonctionnement = books.Reglement+1, books.Fonctionnement-1
	require.Len(t, books.Check(), 1)
	// Own money on its way to clients counts, client money on its way out does not.
	books.Fonctionnement, books.TransitToClients = books.Fonctionnement+1, books.TransitToClients-1
	require.Empty(t, books.Check())
}
