//go:build linux

package e2e_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/siret"
)

// plan is all that comes in during a month, drawn from a seed.
type plan struct {
	random    *rand.Rand
	merchants []merchant.Merchant
	snapshot  int
	creIDs    int
}

// monthCPs of the month, some of them of one merchant.
const monthCPs = 200

func newPlan(seed uint64) *plan {
	p := &plan{random: rand.New(rand.NewPCG(seed, 7))}
	for n := range monthCPs {
		p.merchants = append(p.merchants, p.newMerchant(n))
	}
	return p
}

// newMerchant is the n-th payment account: each tenth belongs to the merchant of the one before.
func (p *plan) newMerchant(n int) merchant.Merchant {
	holder := n
	if n%10 == 9 {
		holder--
	}
	number := fmt.Sprintf("%013d", 1_000_000+holder)
	m := merchant.Merchant{
		AccountID: fmt.Sprintf("1A%08d", n+1), Siret: number + string(siret.CheckDigit(number)),
		LegalName: fmt.Sprintf("COMMERCE %d", n), CPIBAN: iban.French(99999, 1, 10_001+n), CPBIC: "RGLOFRP0",
		Status: merchant.StatusActive, PayoutMode: merchant.PayoutAuto,
		PayoutFrequency: merchant.Frequency{Period: merchant.Daily},
		ExternalIBAN:    iban.French(30004, 1, n+1), ExternalBIC: "BNPAFRPP", ExternalName: fmt.Sprintf("COMMERCE %d", n),
		Reserve:   money.Cents(p.random.IntN(3) * 50_00),
		MinPayout: money.Cents(p.random.IntN(3) * 10_00), PayoutCeiling: money.Max, CPToCPAllowed: n%4 != 0,
		ValidFrom: day(2026, time.January, 1),
	}
	switch n % 8 {
	case 1:
		m.PayoutFrequency = merchant.Frequency{Period: merchant.Weekly, Day: 1 + p.random.IntN(7)}
	case 2:
		m.PayoutFrequency = merchant.Frequency{Period: merchant.Monthly, Day: 1 + p.random.IntN(31)}
	case 3:
		m.PayoutMode = merchant.PayoutManual
	case 4:
		m.PayoutMode = merchant.PayoutNone
	case 5:
		m.PayoutCeiling = 300_00
	}
	return m
}

func day(year int, month time.Month, number int) calendar.Date {
	date, err := calendar.NewDate(year, month, number)
	if err != nil {
		panic(err)
	}
	return date
}

// change blocks and closes some payment accounts: fewer than the guard of a mass closure lets pass.
func (p *plan) change() {
	for range 3 {
		p.merchants[p.random.IntN(monthCPs)].Status = merchant.StatusBlocked
		p.merchants[p.random.IntN(monthCPs)].Status = merchant.StatusClosed
	}
}

// snapshotFile is the merchants as they are now, the next in sequence.
func (p *plan) snapshotFile(t testing.TB) (name string, content []byte) {
	t.Helper()
	p.snapshot++
	var file bytes.Buffer
	writer, err := merchant.NewWriter(&file)
	require.NoError(t, err)
	for i := range p.merchants {
		require.NoError(t, writer.Write(&p.merchants[i]))
	}
	require.NoError(t, writer.Close())
	return fmt.Sprintf("Merchants.%06d.csv", p.snapshot), file.Bytes()
}

// any is a payment account, now and then one that nobody knows.
func (p *plan) any() (account, holder string) {
	if p.random.IntN(60) == 0 {
		return "9Z00000001", p.merchants[p.random.IntN(monthCPs)].Siret
	}
	m := &p.merchants[p.random.IntN(monthCPs)]
	return m.AccountID, m.Siret
}

// sales are a day's transactions: mostly sales, some refunds above what the CP
// has. A quiet day brings less than is due to be paid out, so that règlement
// needs what stands on cantonnement.
func (p *plan) sales(quiet bool) []planLine {
	const fewLines, manyLines = 20, 300
	count := manyLines + p.random.IntN(100)
	if quiet {
		count = fewLines
	}
	account, holder := p.merchants[3].AccountID, p.merchants[3].Siret
	lines := []planLine{{account: account, siret: holder, gross: 2_000_00}}
	for range count {
		account, holder := p.any()
		line := planLine{account: account, siret: holder, gross: money.Cents(1 + p.random.IntN(200_00))}
		line.commission = line.gross / 100
		if p.random.IntN(12) == 0 {
			line.gross, line.commission = -line.gross*2, 0
		}
		lines = append(lines, line)
	}
	return lines
}

func (p *plan) unpaids() []planLine {
	lines := make([]planLine, 0, 12)
	for range 4 + p.random.IntN(8) {
		account, holder := p.any()
		lines = append(lines, planLine{account: account, siret: holder, gross: -money.Cents(1 + p.random.IntN(400_00))})
	}
	return lines
}

// requests are a day's Payline file: whether they can be granted is for the engine and the model to say.
func (p *plan) requests() []planRequest {
	var requests []planRequest
	for range 3 + p.random.IntN(4) {
		from, _ := p.any()
		to, _ := p.any()
		if from != to {
			requests = append(requests, planRequest{from: from, to: to, amount: money.Cents(1 + p.random.IntN(150_00))})
		}
	}
	for range 5 + p.random.IntN(6) {
		from, _ := p.any()
		requests = append(requests, planRequest{from: from, amount: money.Cents(p.random.IntN(250_00))})
	}
	return requests
}

// sum is what the bank books for a file.
func sum(lines []planLine) money.Cents {
	var total money.Cents
	for _, line := range lines {
		total += line.gross
	}
	return total
}

// creFile is a CRE file of a day's lines.
func (p *plan) creFile(t testing.TB, kind settlement.FileKind, reference string, date calendar.Date, lines []planLine) []byte {
	t.Helper()
	var file bytes.Buffer
	at := date.Midnight().Add(-6 * time.Hour)
	writer, err := settlement.NewWriter(&file, settlement.Header{
		FileName: reference + ".txt", Kind: kind, Reference: reference, OperationType: operationType(kind), SettlementDate: date,
		Currency: money.Currency, CreatedAt: at,
	})
	require.NoError(t, err)
	for _, line := range lines {
		p.creIDs++
		written := settlement.Line{
			CreID: fmt.Appendf(nil, "M%015d", p.creIDs), AccountID: []byte(line.account), Siret: []byte(line.siret),
			Scheme: settlement.SchemeCB, Type: lineType(kind, line.gross), Gross: line.gross, Commission: line.commission,
			TransactionAt: at, ValueDate: date, Label: []byte("RBCRR      CB10:25:55C1234567121119"),
		}
		require.NoError(t, writer.Write(&written))
	}
	_, err = writer.Close()
	require.NoError(t, err)
	return file.Bytes()
}

// operationType sets unpaids apart where a line's sign does not.
func operationType(kind settlement.FileKind) string {
	if kind == settlement.KindImpaye {
		return "200"
	}
	return "100"
}

func lineType(kind settlement.FileKind, gross money.Cents) settlement.LineType {
	switch {
	case kind == settlement.KindImpaye:
		return settlement.TypeImpaye
	case gross < 0:
		return settlement.TypeRemb
	default:
		return settlement.TypeVente
	}
}

// paylineFile is a day's requests as the merchants' portal writes them.
func (p *plan) paylineFile(t testing.TB, sequence int, date calendar.Date, requests []planRequest) (name string, content []byte) {
	t.Helper()
	var file bytes.Buffer
	writer, err := payline.NewWriter(&file, payline.Header{Sequence: sequence, Date: date})
	require.NoError(t, err)
	for i, request := range requests {
		line := payline.Line{
			Kind: payline.Movement, EndToEndID: fmt.Sprintf("%s%010d", date.Compact()[2:], i+1), OperationCode: "TRANS",
			DebtorCP: request.from, CreditorCP: request.to, Amount: request.amount, Currency: money.Currency, Label: "L", ExecDate: date,
		}
		if request.to == "" {
			line.Kind, line.OperationCode = payline.Transfer, ""
			line.CreditorName, line.CreditorIBAN, line.CreditorBIC = "COMMERCE", iban.French(30004, 1, 901+i), "BNPAFRPP"
		}
		require.NoError(t, writer.Write(&line))
	}
	_, err = writer.Close()
	require.NoError(t, err)
	return fmt.Sprintf("Payline.%06d.txt", sequence), file.Bytes()
}
