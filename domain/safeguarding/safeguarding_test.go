package safeguarding_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/safeguarding"
)

func day(t require.TestingT, text string) calendar.Date {
	date, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return date
}

// books are of a day on which clients are owed 1,000.00, and 1,010.00 are held: 600.00 on règlement, 300.00 on
// cantonnement, 60.00 on their way (25.00 to cantonnement), 10.00 debited too early, 40.00 to be ordered.
func books() ledger.Books {
	return ledger.Books{
		Reglement: -60_000, Cantonnement: -30_000, Fonctionnement: -50_000,
		CP: 80_000, Parked: 10_000, Payouts: 6_000, Rejects: 4_000,
		TransitToClients: -6_000, TransitToCantonnement: -2_500, ToClear: 1_000, CoversToOrder: 4_000,
	}
}

func TestTheStatementOfADay(t *testing.T) {
	t.Parallel()

	friday, monday := day(t, "2026-11-20"), day(t, "2026-11-23")
	want := safeguarding.Statement{
		Date: monday, PaymentAccounts: 80_000, Parked: 10_000, PayoutsOrdered: 6_000, Rejects: 4_000, Owed: 100_000,
		Reglement: 60_000, Cantonnement: 30_000, TransitToClients: 6_000, ToClear: 1_000, CoversToOrder: 4_000, Held: 101_000,
		Surplus: 1_000, CantonnementHeld: 32_500,
	}

	first, err := safeguarding.New(books(), monday, nil, safeguarding.Left{})
	require.NoError(t, err)
	require.Equal(t, want, first, "nothing is due since yesterday on the first day")
	require.Empty(t, first.Breaches())

	for name, test := range map[string]struct{ owedBefore, debited, withBank, due, gap money.Cents }{
		"all left":             {50_000, 50_000, 0, 0, 0},
		"more than all left":   {50_000, 70_000, 0, 0, 0},
		"on cantonnement":      {50_000, 17_500, 0, 32_500, 0},
		"a cent short":         {50_000, 17_499, 0, 32_501, 1},
		"nothing left":         {50_000, 0, 0, 50_000, 17_500},
		"with the bank":        {50_000, 11_500, 6_000, 32_500, 0},
		"not more than is due": {500_000, 0, 0, 100_000, 67_500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			found, err := safeguarding.New(books(), monday, &safeguarding.Statement{Date: friday, Owed: test.owedBefore},
				safeguarding.Left{Accounts: test.debited, WithBank: test.withBank})
			require.NoError(t, err)

			want := want
			want.CantonnementDue, want.CantonnementGap = test.due, test.gap
			require.Equal(t, want, found)
			require.Equal(t, test.gap > 0, len(found.Breaches()) > 0)
		})
	}
}

func TestBreachesNameTheAmounts(t *testing.T) {
	t.Parallel()

	short := books()
	short.Reglement += 1_001

	found, err := safeguarding.New(short, day(t, "2026-11-24"),
		&safeguarding.Statement{Date: day(t, "2026-11-23"), Owed: 50_000}, safeguarding.Left{Accounts: 10_000})
	require.NoError(t, err)
	require.Equal(t, []ledger.Breach{
		{Invariant: ledger.Safeguarding, Where: "client money", Detail: "held 999.99, owed 1000.00: 0.01 short"},
		{
			Invariant: ledger.CantonnementNextDay, Where: "BK.CAN",
			Detail: "held 325.00, due since the business day before 400.00: 75.00 short",
		},
	}, found.Breaches())
}

func TestInputsThatMakeNoStatement(t *testing.T) {
	t.Parallel()

	monday := day(t, "2026-11-23")

	for want, attempt := range map[string]func() (safeguarding.Statement, error){
		"it has no date": func() (safeguarding.Statement, error) {
			return safeguarding.New(books(), calendar.Date{}, nil, safeguarding.Left{})
		},
		"that of 2026-11-23 cannot build on that of 2026-11-23": func() (safeguarding.Statement, error) {
			return safeguarding.New(books(), monday, &safeguarding.Statement{Date: monday}, safeguarding.Left{})
		},
		"cannot lose less than nothing: -0.01 and 0.00": func() (safeguarding.Statement, error) {
			return safeguarding.New(books(), monday, nil, safeguarding.Left{Accounts: -1})
		},
		"cannot lose less than nothing: 0.00 and -0.01": func() (safeguarding.Statement, error) {
			return safeguarding.New(books(), monday, nil, safeguarding.Left{WithBank: -1})
		},
	} {
		_, err := attempt()

		var refused *safeguarding.InputError

		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, want)
	}
}

func genCents(least int64) *rapid.Generator[money.Cents] {
	return rapid.Map(rapid.Int64Range(least, 200), func(n int64) money.Cents { return money.Cents(n) })
}

// TestTheStatementAgreesWithTheBooks draws small amounts, so that the borders are met.
func TestTheStatementAgreesWithTheBooks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		toCantonnement, toReglement := genCents(0).Draw(t, "toCantonnement"), genCents(0).Draw(t, "toReglement")
		drawn := ledger.Books{
			Reglement: -genCents(-20).Draw(t, "reglement"), Cantonnement: -genCents(0).Draw(t, "cantonnement"),
			Fonctionnement: -genCents(0).Draw(t, "fonctionnement"),
			CP:             genCents(0).Draw(t, "cp"), Parked: genCents(0).Draw(t, "parked"),
			Payouts: genCents(0).Draw(t, "payouts"), Rejects: genCents(0).Draw(t, "rejects"),
			TransitToCantonnement: -toCantonnement, TransitToClients: -toCantonnement - toReglement,
			ToClear: genCents(0).Draw(t, "toClear"), CoversToOrder: genCents(0).Draw(t, "coversToOrder"),
		}
		previous := &safeguarding.Statement{Date: day(t, "2026-11-20"), Owed: genCents(0).Draw(t, "owedBefore")}
		left := safeguarding.Left{Accounts: genCents(0).Draw(t, "debited"), WithBank: genCents(0).Draw(t, "withBank")}

		found, err := safeguarding.New(drawn, day(t, "2026-11-23"), previous, left)
		require.NoError(t, err)

		var inBooks []ledger.Breach

		for _, breach := range drawn.Check() {
			if breach.Invariant == ledger.Safeguarding {
				inBooks = append(inBooks, breach)
			}
		}

		var said []ledger.Breach

		for _, breach := range found.Breaches() {
			if breach.Invariant == ledger.Safeguarding {
				said = append(said, breach)
			}
		}

		require.Equal(t, inBooks, said)

		require.LessOrEqual(t, found.CantonnementDue, found.Owed)
		require.LessOrEqual(t, found.CantonnementDue, max(0, previous.Owed-left.Accounts-left.WithBank))
		require.GreaterOrEqual(t, found.CantonnementDue, money.Cents(0))
		require.GreaterOrEqual(t, found.CantonnementHeld+found.CantonnementGap, found.CantonnementDue)
		require.Equal(t, found.CantonnementGap > 0, found.CantonnementHeld < found.CantonnementDue)
	})
}

func TestWhatIsWritten(t *testing.T) {
	t.Parallel()

	previous := &safeguarding.Statement{Date: day(t, "2026-11-20"), Owed: 50_000}
	spoiled := books()
	spoiled.Reglement += 200_000
	found, err := safeguarding.New(spoiled, day(t, "2026-11-23"), previous, safeguarding.Left{Accounts: 10_000})
	require.NoError(t, err)

	var table bytes.Buffer

	require.NoError(t, found.WriteTable(&table))
	require.Equal(t, `Protection des fonds des clients au 2026-11-23 (EUR)

Comptes de paiement                             800.00
Opérations en attente d'affectation             100.00
Virements ordonnés, non débités                  60.00
Virements rejetés, à recréditer                  40.00
                                              --------
Dû aux clients                                 1000.00

Compte de règlement                           -1400.00
Compte de cantonnement                          300.00
Virements internes en cours vers ces comptes     60.00
Débits de la banque à répercuter                 10.00
Couvertures restant à ordonner                   40.00
                                              --------
Détenu pour les clients                        -990.00

                                              --------
Excédent (négatif : insuffisance)             -1990.00

À cantonner : dû la veille et encore dû         400.00
Cantonné, virements en cours compris            325.00
                                              --------
Insuffisance de cantonnement                     75.00
`, table.String())

	var text bytes.Buffer

	require.NoError(t, found.WriteCSV(&text))
	rows, err := csv.NewReader(&text).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 16)
	require.Equal(t, []string{"date", "item", "label", "amount"}, rows[0])
	require.Equal(t, []string{"2026-11-23", "reglement", "Compte de règlement", "-1400.00"}, rows[6])

	object, err := json.Marshal(found)
	require.NoError(t, err)
	require.JSONEq(t, `{"date":"2026-11-23","paymentAccounts":"800.00","parked":"100.00","payoutsOrdered":"60.00","rejects":"40.00",
		"owed":"1000.00","reglement":"-1400.00","cantonnement":"300.00","transitToClients":"60.00","toClear":"10.00",
		"coversToOrder":"40.00","held":"-990.00","surplus":"-1990.00","cantonnementDue":"400.00","cantonnementHeld":"325.00",
		"cantonnementGap":"75.00"}`, string(object))

	require.ErrorIs(t, found.WriteTable(failing{}), errFull)
	require.ErrorIs(t, found.WriteCSV(failing{}), errFull)
}

var errFull = errors.New("disk full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestWhatIsMarshalledIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Map(rapid.Int64Range(-int64(money.Max), int64(money.Max)), func(n int64) money.Cents { return money.Cents(n) })
		written := safeguarding.Statement{
			Date: day(t, "2026-11-23"), PaymentAccounts: amount.Draw(t, "1"), Parked: amount.Draw(t, "2"),
			PayoutsOrdered: amount.Draw(t, "3"), Rejects: amount.Draw(t, "4"), Owed: amount.Draw(t, "5"),
			Reglement: amount.Draw(t, "6"), Cantonnement: amount.Draw(t, "7"), TransitToClients: amount.Draw(t, "8"),
			ToClear: amount.Draw(t, "9"), CoversToOrder: amount.Draw(t, "10"), Held: amount.Draw(t, "11"), Surplus: amount.Draw(t, "12"),
			CantonnementDue: amount.Draw(t, "13"), CantonnementHeld: amount.Draw(t, "14"), CantonnementGap: amount.Draw(t, "15"),
		}
		object, err := json.Marshal(written)
		require.NoError(t, err)

		var read safeguarding.Statement

		require.NoError(t, json.Unmarshal(object, &read))
		require.Equal(t, written, read)
	})
}

func TestWhatCannotBeUnmarshalled(t *testing.T) {
	t.Parallel()

	good, err := json.Marshal(safeguarding.Statement{Date: day(t, "2026-11-23")})
	require.NoError(t, err)

	for want, text := range map[string]string{
		"date":                  strings.Replace(string(good), "11-23", "11-31", 1),
		"owed: amount \"\"":     strings.Replace(string(good), `"owed":"0.00",`, "", 1),
		"held: amount \"1e3\"":  strings.Replace(string(good), `"held":"0.00"`, `"held":"1e3"`, 1),
		"safeguarding statemen": strings.Replace(string(good), `"held":"0.00"`, `"held":0.00`, 1),
	} {
		read := safeguarding.Statement{Owed: 5}
		require.ErrorContains(t, json.Unmarshal([]byte(text), &read), want)
		require.Equal(t, safeguarding.Statement{Owed: 5}, read, "left as it was")
	}
}
