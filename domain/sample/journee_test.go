package sample_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/settlement"
)

func journeeOptions(tb testing.TB) sample.JourneeOptions {
	tb.Helper()

	return sample.JourneeOptions{
		Seed: 1, Merchants: 200, Lines: 20_000, Date: typical(tb, 1, 1).Date, Number: 3, Snapshot: 5, FourEyes: 20_000_00,
	}
}

// journee is a whole day, as its readers see it.
type journee struct {
	made    *sample.Journee
	bytes   map[string][]byte // by place and name
	morning map[string]merchant.Merchant
	late    map[string]merchant.Merchant
	files   map[string]settlement.Summary // CRE files by reference
	places  map[string]sample.Place       // of the CRE files
	net     map[string]money.Cents        // of all CRE files, by payment account
	payline []payline.Line
}

func makeUpJournee(t require.TestingT, options sample.JourneeOptions) journee {
	made, err := sample.NewJournee(options)
	require.NoError(t, err)

	j := journee{
		made: made, bytes: map[string][]byte{}, files: map[string]settlement.Summary{}, places: map[string]sample.Place{},
		net: map[string]money.Cents{},
	}

	for _, file := range made.Files() {
		var content bytes.Buffer
		require.NoError(t, file.Write(&content))
		j.bytes[string(file.Place)+"/"+file.Name] = content.Bytes()

		switch kind, _, _ := strings.Cut(file.Name, "."); kind {
		case "Merchants":
			read := readMerchants(t, content.Bytes())
			if file.Place == sample.Morning {
				j.morning = read
			} else {
				j.late = read
			}
		case "CRE":
			j.readCRE(t, file, content.Bytes())
		case "Payline":
			_, err := payline.Read(file.Name, bytes.NewReader(content.Bytes()), payline.Ogep1{}, options.Date,
				func(line *payline.Line) error {
					j.payline = append(j.payline, *line)

					return nil
				})
			require.NoError(t, err)
		}
	}

	return j
}

func readMerchants(t require.TestingT, content []byte) map[string]merchant.Merchant {
	all := map[string]merchant.Merchant{}
	_, err := merchant.Read("m.csv", bytes.NewReader(content), lines.Options{}, func(m merchant.Merchant) error {
		all[m.AccountID] = m

		return nil
	})
	require.NoError(t, err)

	return all
}

func (j *journee) readCRE(t require.TestingT, file sample.File, content []byte) {
	summary, err := settlement.Read(file.Name, bytes.NewReader(content), settlement.CRE1{}, func(line *settlement.Line) error {
		j.net[string(line.AccountID)] += line.Gross - line.Commission

		return nil
	})
	require.NoError(t, err)
	require.Equal(t, "CRE."+summary.Reference+".txt", file.Name)

	j.files[summary.Reference], j.places[summary.Reference] = summary, file.Place
}

func TestAnyJourneeIsAccepted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first, err := calendar.ParseDate("2001-01-01")
		require.NoError(t, err)

		options := sample.JourneeOptions{
			Seed: rapid.Uint64().Draw(t, "seed"), Merchants: rapid.IntRange(40, 90).Draw(t, "merchants"),
			Lines: rapid.IntRange(0, 400).Draw(t, "lines"), Date: first.AddDays(rapid.IntRange(0, 35_000).Draw(t, "day")),
			Number:   rapid.IntRange(1, sample.MaxJournees).Draw(t, "number"),
			Snapshot: rapid.IntRange(1, 4).Draw(t, "snapshot"), FourEyes: money.Cents(rapid.IntRange(0, 500_00).Draw(t, "four eyes")),
		}
		made := makeUpJournee(t, options)

		require.Equal(t, made.bytes, makeUpJournee(t, options).bytes, "the same options give the same bytes")

		count := 0
		for _, summary := range made.made.Summary().Settlements {
			read, found := made.files[summary.Reference]
			require.True(t, found)
			require.Equal(t, sample.CRESummary{
				Reference: read.Reference, Kind: read.Kind, Late: made.places[read.Reference] == sample.Late,
				Lines: read.Lines, Gross: read.Gross, Commission: read.Commission,
			}, summary)

			if read.Kind == settlement.KindTransaction {
				count += read.Lines
			}
		}

		require.Len(t, made.files, 4, "each file has a reference of its own")
		require.Equal(t, options.Lines, count)
		made.requireMovements(t)
		made.requireRequests(t, nil)
	})
}

// requireMovements holds what the bank books against the files that explain it.
func (j *journee) requireMovements(t require.TestingT) {
	grammars, err := label.Compile(label.Default(), nil)
	require.NoError(t, err)

	settled, unknown := 0, 0
	decoder := json.NewDecoder(bytes.NewReader(j.bytes["bank/"+sample.MovementsFile]))

	for decoder.More() {
		var moved sample.BankMovement
		require.NoError(t, decoder.Decode(&moved))

		found := grammars.Classify(moved.Label, moved.Amount, moved.Account)
		if found.Class == label.Unknown {
			unknown++

			require.Equal(t, ledger.Fonctionnement, moved.Account)

			continue
		}

		settled++

		require.Equal(t, j.files[found.Reference].Gross, moved.Amount)
		require.Equal(t, j.files[found.Reference].OperationType, found.OperationType)
		require.Equal(t, j.files[found.Reference].Kind == settlement.KindImpaye, found.Class == label.SettlementUnpaid)
	}

	require.Equal(t, 1, unknown)

	for _, file := range j.files {
		if file.Lines > 0 {
			settled--
		}
	}

	require.Zero(t, settled, "each file with lines is settled")
}

// requireRequests plays the Payline file on payment accounts that have what the day's files give them, and gives the codes
// of the requests.
func (j *journee) requireRequests(t require.TestingT, seen map[payline.Code]int) {
	holder := func(id string) payline.Holder {
		m, known := j.morning[id]

		return payline.Holder{Known: known, Status: m.Status, Mode: m.PayoutMode, CPToCP: m.CPToCPAllowed, IBAN: m.CPIBAN}
	}

	ids, refused := map[string]bool{}, 0

	for i := range j.payline {
		line := &j.payline[i]
		debtor, available := holder(line.DebtorCP), j.net[line.DebtorCP]

		code := payline.ControlTransfer(line, ids[line.EndToEndID], debtor, available)
		if line.Kind == payline.Movement {
			code = payline.ControlMovement(line, ids[line.EndToEndID], debtor, holder(line.CreditorCP), available)
		}

		ids[line.EndToEndID] = true

		if code != "" {
			refused++
		} else {
			j.net[line.DebtorCP] -= line.Amount

			if line.Kind == payline.Transfer {
				require.NoError(t, iban.CheckSEPA(line.CreditorIBAN))
			}
		}

		if seen != nil {
			seen[code]++
		}
	}

	outcomes := j.made.Summary().Payline
	require.Equal(t, len(j.payline), outcomes.Requests)
	require.Equal(t, outcomes.Refused, refused)
}

func TestAJourneeHasEverything(t *testing.T) {
	t.Parallel()

	options := journeeOptions(t)
	made := makeUpJournee(t, options)

	statuses, modes := map[merchant.Status]int{}, map[merchant.PayoutMode]int{}
	perSiret := map[string][]string{}

	for id, m := range made.morning {
		statuses[m.Status]++
		modes[m.PayoutMode]++
		perSiret[m.Siret] = append(perSiret[m.Siret], id)

		require.NoError(t, iban.CheckSEPA(m.CPIBAN))

		if m.PayoutMode != merchant.PayoutNone {
			require.NoError(t, iban.CheckSEPA(m.ExternalIBAN))
		}
	}

	require.Len(t, statuses, 3)
	require.Len(t, modes, 3)
	require.Contains(t, made.places, "00001320260330UEP")
	require.Equal(t, sample.Late, made.places["00001420260330UEP"])

	require.Negative(t, made.net[made.owing(t, perSiret)], "it owes at the end of the day")

	codes := map[payline.Code]int{}
	made.requireRequests(t, codes)
	require.GreaterOrEqual(t, codes[""], 7)

	for _, code := range []payline.Code{
		payline.CodeMovementAmount, payline.CodeUnknownAccount, payline.CodeClosedAccount, payline.CodeNotEntitled,
		payline.CodeInvalidIBAN, payline.CodeNoCreditorName, payline.CodeDatePast, payline.CodeZeroAmount, payline.CodeNoCover,
		payline.CodeBlockedAccount, payline.CodeDuplicate,
	} {
		require.Positive(t, codes[code], "%s", code)
	}

	outcomes := made.made.Summary().Payline
	approval := made.request(outcomes.Approval)
	require.Greater(t, approval.Amount, options.FourEyes)
	require.Contains(t, made.made.RejectIBANs(), made.request(outcomes.Returned).CreditorIBAN)
	require.Len(t, made.made.RejectIBANs(), 2)

	automatic := slices.ContainsFunc(made.accounts(), func(id string) bool {
		m := made.morning[id]

		return m.ExternalIBAN == made.made.RejectIBANs()[1] && m.PayoutMode == merchant.PayoutAuto && made.net[id] > m.MinPayout
	})
	require.True(t, automatic, "an automatic payout comes back")
	require.Equal(t, strings.Join(made.made.RejectIBANs(), "\n")+"\n", string(made.bytes["bank/"+sample.RejectIBANsFile]))
}

func (j *journee) accounts() []string {
	var ids []string
	for id := range j.morning {
		ids = append(ids, id)
	}

	return ids
}

func (j *journee) request(id string) payline.Line {
	at := slices.IndexFunc(j.payline, func(line payline.Line) bool { return line.EndToEndID == id })

	return j.payline[at]
}

// owing finds the payment account that ends below zero, and whose merchant has as much on another one.
func (j *journee) owing(t *testing.T, perSiret map[string][]string) string {
	t.Helper()

	for _, ids := range perSiret {
		for _, id := range ids {
			sum := money.Cents(0)
			for _, brother := range ids {
				sum += j.net[brother]
			}

			if len(ids) > 1 && j.net[id] < 0 && sum >= 0 {
				return id
			}
		}
	}

	t.Fatal("nobody owes what another account of the same merchant can pay")

	return ""
}

// TestLinesOnUnknownAccountsAreKnownLater has the next snapshot hold what a day could not place.
func TestLinesOnUnknownAccountsAreKnownLater(t *testing.T) {
	t.Parallel()

	options := journeeOptions(t)
	made := makeUpJournee(t, options)
	unknown := 0

	for id := range made.net {
		if _, known := made.morning[id]; known {
			continue
		}

		unknown++

		require.Contains(t, made.late, id)
	}

	require.Positive(t, unknown)
	require.Len(t, made.late, len(made.morning)+5)

	for id, m := range made.morning {
		require.Equal(t, m, made.late[id], "nothing else changes")
	}

	options.Number++
	options.Snapshot += 2
	next := makeUpJournee(t, options)

	for id := range made.net {
		require.Contains(t, next.morning, id)
	}

	require.NotEqual(t, made.made.RejectIBANs(), next.made.RejectIBANs(), "another automatic payout comes back")
	require.NotEqual(t, made.request(made.made.Summary().Payline.Returned).DebtorCP,
		next.request(next.made.Summary().Payline.Returned).DebtorCP, "two in a row would put payouts on hold")

	for reference := range made.files {
		require.NotContains(t, next.files, reference)
	}
}

func TestJourneeOptionsOutOfRange(t *testing.T) {
	t.Parallel()

	for name, change := range map[string]func(*sample.JourneeOptions){
		"merchants is 39":                              func(o *sample.JourneeOptions) { o.Merchants = 39 },
		"number of the day is 0":                       func(o *sample.JourneeOptions) { o.Number = 0 },
		fmt.Sprintf("day is %d", sample.MaxJournees+1): func(o *sample.JourneeOptions) { o.Number = sample.MaxJournees + 1 },
		"snapshot is 0":                                func(o *sample.JourneeOptions) { o.Snapshot = 0 },
		"threshold is -0.01":                           func(o *sample.JourneeOptions) { o.FourEyes = -1 },
		"lines is -1":                                  func(o *sample.JourneeOptions) { o.Lines = -1 },
		"year of the date is 0":                        func(o *sample.JourneeOptions) { o.Date = calendar.Date{} },
	} {
		options := journeeOptions(t)
		change(&options)
		_, err := sample.NewJournee(options)

		require.ErrorContains(t, err, name)
	}
}
