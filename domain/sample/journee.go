package sample

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
)

const (
	// MaxJournees is the largest number of a journée: each takes a few of the sequence numbers of its date, the unpaids as
	// many in the upper half of them.
	MaxJournees = unpaidSequences/sequencesAJournee - 1

	// leastMerchants is enough for each part that a merchant plays in a journée.
	leastMerchants = 40

	sequencesAJournee = 4
	secondDigit       = 9    // the merchant with this last digit has the SIRET of the one before
	leastRecovered    = 2_00 // cents that the other payment account of who owes has at least

	filesBesideCRE = 5

	bankFee = -12_50 // cents, on an account that no client's money is on
)

// JourneeOptions says what whole day to make up.
type JourneeOptions struct {
	Seed      uint64        // other seed, other merchants
	Merchants int           // payment accounts, 40 to merchant.MaxMerchants
	Lines     int           // of card transactions in all files together, 0 to settlement.MaxLines
	Date      calendar.Date // a business day
	// Number tells the days apart, 1 to MaxJournees: it numbers the settlements' references and the Payline file.
	Number int
	// Snapshot is the sequence of the merchants that the day begins with, from 1. The later ones of the day are the next.
	Snapshot int
	// FourEyes is the amount above which a payout needs an approval. One Payline transfer is above it, unless the sales of
	// the day do not cover that.
	FourEyes money.Cents
}

// Validate says which option is out of its range.
func (o JourneeOptions) Validate() error {
	switch {
	case o.Merchants < leastMerchants:
		return fmt.Errorf("sample: merchants is %d, a whole day needs %d", o.Merchants, leastMerchants)
	case o.Number < 1 || o.Number > MaxJournees:
		return fmt.Errorf("sample: number of the day is %d, it must lie between 1 and %d", o.Number, MaxJournees)
	case o.Snapshot < 1:
		return fmt.Errorf("sample: snapshot is %d, snapshots are numbered from 1", o.Snapshot)
	case o.FourEyes < 0:
		return fmt.Errorf("sample: four-eyes threshold is %s, it must not be below zero", o.FourEyes)
	}

	return Typical(o.Seed, o.Merchants, o.Lines, o.Date, 0).Validate()
}

// Journee is a whole made-up day: all files that come in, and what the bank books before it begins. It holds the sums of
// the merchants, and no line.
//
// Two CRE files of sales and one of unpaids are there in the morning; a third one of sales comes late. A merchant with two
// payment accounts ends up owing on one what the other can pay. Lines are on payment accounts that only the day's later
// snapshot knows. The Payline file has requests that pass, one that needs an approval, and one for each reason to refuse
// one that a day can have. The bank sends back what is paid to two accounts, one of them of an automatic payout.
type Journee struct {
	options JourneeOptions
	day     *Day   // of the merchants, and of the first file
	files   []*cre // those of card transactions, then that of unpaids
	net     []money.Cents
	roles   roles
	payline []paylineRequest
}

// cre is one CRE file.
type cre struct {
	day     *Day
	unpaids bool
	late    bool
	summary settlement.Summary // Header, Lines, Gross and Commission only
}

// roles are the merchants that play a part.
type roles struct {
	payers   [3]int // ask by Payline; may move money between their payment accounts
	closed   int
	blocked  int
	alone    int // may not move money between payment accounts
	debtor   int // owes
	brother  int // the other payment account of who owes
	returned int // whose automatic payout comes back
}

// NewJournee prepares a whole day. The error says which option is out of its range.
func NewJournee(options JourneeOptions) (*Journee, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}

	j := &Journee{options: options, net: make([]money.Cents, options.Merchants)}

	// What is left over is in the first file.
	late := options.Lines / 5
	second := options.Lines * 3 / 10

	for i, lines := range []int{options.Lines - second - late, second, late} {
		day, err := j.newDay(i, lines)
		if err != nil {
			return nil, err
		}

		j.files = append(j.files, &cre{day: day, late: i == 2})
	}

	j.day = j.files[0].day
	j.files = append(j.files, &cre{day: j.day, unpaids: true})

	for _, file := range j.files {
		j.count(file)
	}

	j.cast()
	j.owe()
	j.request()

	return j, nil
}

// newDay prepares the day of one file: of the same merchants, whose lines may be on accounts that are not known yet.
func (j *Journee) newDay(file, lines int) (*Day, error) {
	sequence := j.options.Number*sequencesAJournee + file
	options := Typical(j.options.Seed, j.options.Merchants, lines, j.options.Date, sequence)
	options.Unpaids = j.options.Lines / typicalSales

	day, err := New(options)
	if err != nil {
		return nil, err
	}

	day.firstUnknown = j.known()

	return day, nil
}

// known is how many of the payment accounts that were unknown once the first snapshot of the day holds. Each snapshot
// holds those that were missing on the day of the one before.
func (j *Journee) known() int { return (j.options.Snapshot - 1) * unknowns }

// count adds up a file.
func (j *Journee) count(file *cre) {
	file.summary.Kind, file.summary.Reference = settlement.KindTransaction, file.day.Reference()
	file.summary.OperationType = operationType

	if file.unpaids {
		file.summary.Kind, file.summary.Reference = settlement.KindImpaye, file.day.UnpaidReference()
		file.summary.OperationType = unpaidOperationType

		for line := range file.day.unpaids() {
			j.add(file, line)
		}

		return
	}

	lines := file.day.newLines()
	for number := range file.day.options.Lines {
		j.add(file, lines.next(number))
	}
}

func (j *Journee) add(file *cre, line *settlement.Line) {
	file.summary.Lines++
	file.summary.Gross += line.Gross
	file.summary.Commission += line.Commission

	if at, known := accountNumber(line.AccountID); known {
		j.net[at] += line.Gross - line.Commission
	}
}

// accountNumber undoes appendAccountID.
func accountNumber(id []byte) (int, bool) {
	digits, known := strings.CutPrefix(string(id), "1A")
	if !known {
		return 0, false
	}

	number := 0
	for _, digit := range []byte(digits) {
		number = number*decimalBase + int(digit-'0')
	}

	return number - firstAccount, true
}

// cast chooses who plays which part: the largest merchants that can.
func (j *Journee) cast() {
	j.roles.closed, j.roles.blocked = j.options.Merchants-1, j.options.Merchants-2
	at := 1 // the largest one of all is paid out by itself

	for i := range j.roles.payers {
		j.roles.payers[i] = j.next(at, func(int) bool { return true })
		at = j.roles.payers[i] + 1
	}

	j.roles.alone = j.next(at, func(i int) bool { return !j.day.merchant(i).CPToCPAllowed })
	j.castDebtor(at)

	// On another day another one: two in a row would put its payouts on hold.
	turns := j.options.Number % 10
	j.roles.returned = j.next(at, func(i int) bool {
		m := j.day.merchant(i)
		daily := m.PayoutMode == merchant.PayoutAuto && m.PayoutFrequency.Period == merchant.Daily
		if !daily || i == j.roles.brother || i == j.roles.debtor || j.net[i] <= m.MinPayout {
			return false
		}

		turns--

		return turns < 0
	})
}

// castDebtor chooses the payment account with the smallest sales whose merchant has money on another one: what is taken
// back from it is one unpaid.
func (j *Journee) castDebtor(from int) {
	j.roles.debtor, j.roles.brother = -1, -1

	for i := j.next(from, isSecond); i >= 0; i = j.next(i+1, isSecond) {
		suits := i > from && j.day.status(i-1) == merchant.StatusActive && j.net[i-1] >= leastRecovered
		if suits && (j.roles.debtor < 0 || j.net[i] < j.net[j.roles.debtor]) {
			j.roles.debtor, j.roles.brother = i, i-1
		}
	}
}

// isSecond tells the second payment account of a merchant that has two.
func isSecond(i int) bool { return i%10 == secondDigit }

// next finds an active merchant from one on, and -1 when there is none.
func (j *Journee) next(from int, suits func(int) bool) int {
	for i := from; i < j.options.Merchants; i++ {
		if j.day.status(i) == merchant.StatusActive && suits(i) {
			return i
		}
	}

	return -1
}

// owe takes more back from a payment account than it has, and less than its merchant has on the other one.
func (j *Journee) owe() {
	const most = 500_00

	debtor, brother := j.roles.debtor, j.roles.brother
	if debtor < 0 {
		return
	}

	j.day.takenBack = []takenBack{{merchant: debtor, gross: max(j.net[debtor], 0) + min(j.net[brother]/2, most)}}
	unpaid := j.files[len(j.files)-1]
	unpaid.summary.Lines, unpaid.summary.Gross, unpaid.summary.Commission = 0, 0, 0
	before := j.net
	j.net = make([]money.Cents, len(before))
	j.count(unpaid)
	j.net = before
	j.net[debtor] -= j.day.takenBack[0].gross + j.day.options.UnpaidFee
}

// merchant is one of the snapshot, with what its part needs.
func (j *Journee) merchant(i int) merchant.Merchant {
	m := j.day.merchant(i)

	switch i {
	case j.roles.payers[0], j.roles.payers[1], j.roles.payers[2]:
		m.PayoutMode, m.PayoutFrequency, m.CPToCPAllowed, m.PayoutCeiling = merchant.PayoutManual, merchant.Frequency{}, true, money.Max
		m.Reserve = 0
		j.pay(&m, i)
	case j.roles.debtor, j.roles.brother:
		m.PayoutMode, m.PayoutFrequency = merchant.PayoutAuto, merchant.Frequency{Period: merchant.Daily}
		m.Reserve = 0
		j.pay(&m, i)
	}

	return m
}

// pay gives a merchant the account elsewhere that one without payouts lacks.
func (j *Journee) pay(m *merchant.Merchant, i int) {
	bank := banks[i%len(banks)]
	m.ExternalIBAN, m.ExternalBIC, m.ExternalName = iban.French(bank.code, branchBase, i+1), bank.bic, m.LegalName
}

// newcomer is a payment account that was unknown once.
func (j *Journee) newcomer(number int) merchant.Merchant {
	bank := banks[number%len(banks)]
	name := trades[number%len(trades)] + " " + places[number%len(places)]

	return merchant.Merchant{
		AccountID: string(appendUnknownID(nil, number)), Siret: string(appendMadeUpSiret(nil, firstUnknown+number)), LegalName: name,
		CPIBAN: iban.French(ownBank, 2, number+1), CPBIC: ownBIC, Status: merchant.StatusActive,
		PayoutMode: merchant.PayoutAuto, PayoutFrequency: merchant.Frequency{Period: merchant.Daily},
		ExternalIBAN: iban.French(bank.code, branchBase, number+1), ExternalBIC: bank.bic, ExternalName: name,
		MinPayout: 100, PayoutCeiling: money.Max, ERPThirdParty: fmt.Sprintf("N%07d", number+1), ValidFrom: validFrom(),
	}
}

func (j *Journee) writeMerchants(destination io.Writer, newcomers int) error {
	writer, err := merchant.NewWriter(destination)
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}

	for i := range j.options.Merchants + newcomers {
		var m merchant.Merchant
		if i < j.options.Merchants {
			m = j.merchant(i)
		} else {
			m = j.newcomer(i - j.options.Merchants)
		}

		if err := writer.Write(&m); err != nil {
			return fmt.Errorf("sample: merchant %d: %w", i, err)
		}
	}

	if err := writer.Close(); err != nil {
		return fmt.Errorf("sample: %w", err)
	}

	return nil
}

// Place is where a file of a journée comes in, and when.
type Place string

// The places.
const (
	Morning Place = "inbox" // before the day begins
	Late    Place = "late"  // into the inbox too, while the day waits for it
	AtBank  Place = "bank"  // what the bank is told
)

// The names of the files for the bank.
const (
	MovementsFile   = "movements.jsonl"  // what it books before the day begins, a BankMovement a line
	RejectIBANsFile = "reject-ibans.txt" // creditors whose payouts come back, one a line
	accountOfNobody = "9Z99999999"       // no snapshot ever holds it
)

// File is one file of a journée.
type File struct {
	Place Place
	Name  string
	Write func(io.Writer) error
}

// Files gives all files of the day. Each may be written at any time, and often.
func (j *Journee) Files() []File {
	files := append(make([]File, 0, filesBesideCRE+len(j.files)), []File{
		{Morning, merchantsName(j.options.Snapshot), func(w io.Writer) error { return j.writeMerchants(w, j.known()) }},
		{Late, merchantsName(j.options.Snapshot + 1), func(w io.Writer) error { return j.writeMerchants(w, j.known()+unknowns) }},
		{Morning, fmt.Sprintf("Payline.%06d.txt", j.options.Number), j.writePayline},
		{AtBank, MovementsFile, j.writeMovements},
		{AtBank, RejectIBANsFile, j.writeRejectIBANs},
	}...)

	for _, file := range j.files {
		place, write := Morning, file.day.WriteSettlement
		if file.late {
			place = Late
		}

		if file.unpaids {
			write = file.day.WriteUnpaids
		}

		files = append(files, File{place, "CRE." + file.summary.Reference + ".txt", func(w io.Writer) error {
			_, err := write(w)

			return err
		}})
	}

	return files
}

func merchantsName(sequence int) string { return fmt.Sprintf("Merchants.%06d.csv", sequence) }

// BankMovement is what the bank books that nobody at the EP ordered.
type BankMovement struct {
	Key       string        `json:"key"` // names it for ever
	Account   ledger.Code   `json:"account"`
	Label     string        `json:"label"`
	Amount    money.Cents   `json:"amountCents"` // above zero for a credit, below for a debit
	ValueDate calendar.Date `json:"valueDate"`
}

// Movements gives what the bank books before the day begins: the settlements, that of the late file too, and a line that
// no grammar of the engine explains.
func (j *Journee) Movements() []BankMovement {
	var moves []BankMovement

	for _, file := range j.files {
		if file.summary.Gross == 0 {
			continue // of no line
		}

		moves = append(moves, BankMovement{
			Key: file.summary.Reference, Account: ledger.Reglement, Label: file.day.Movement(&file.summary).Label,
			Amount: file.summary.Gross, ValueDate: j.options.Date,
		})
	}

	return append(moves, BankMovement{
		Key: fmt.Sprintf("FRAIS-%s-%d", j.options.Date.Compact(), j.options.Number), Account: ledger.Fonctionnement,
		Label: "FRAIS TENUE DE COMPTE", Amount: bankFee, ValueDate: j.options.Date,
	})
}

func (j *Journee) writeMovements(destination io.Writer) error {
	encoder := json.NewEncoder(destination)

	for _, moved := range j.Movements() {
		if err := encoder.Encode(moved); err != nil {
			return fmt.Errorf("sample: write the bank's movements: %w", err)
		}
	}

	return nil
}

// RejectIBANs gives the creditors whose payouts the bank is to send back.
func (j *Journee) RejectIBANs() []string {
	rejected := []string{returnedIBAN()}
	if j.roles.returned >= 0 {
		rejected = append(rejected, j.merchant(j.roles.returned).ExternalIBAN)
	}

	return rejected
}

func (j *Journee) writeRejectIBANs(destination io.Writer) error {
	if _, err := io.WriteString(destination, strings.Join(j.RejectIBANs(), "\n")+"\n"); err != nil {
		return fmt.Errorf("sample: write the creditors whose payouts come back: %w", err)
	}

	return nil
}

// JourneeSummary says what was made up.
type JourneeSummary struct {
	Date        calendar.Date   `json:"date"`
	Merchants   int             `json:"merchants"`
	Settlements []CRESummary    `json:"settlements"`
	Payline     PaylineOutcomes `json:"payline"`
}

// CRESummary says what one CRE file is.
type CRESummary struct {
	Reference  string              `json:"reference"`
	Kind       settlement.FileKind `json:"kind"`
	Late       bool                `json:"late"`
	Lines      int                 `json:"lines"`
	Gross      money.Cents         `json:"grossCents"`
	Commission money.Cents         `json:"commissionCents"`
}

// Summary says what was made up.
func (j *Journee) Summary() JourneeSummary {
	summary := JourneeSummary{Date: j.options.Date, Merchants: j.options.Merchants, Payline: j.outcomes()}

	for _, file := range j.files {
		summary.Settlements = append(summary.Settlements, CRESummary{
			Reference: file.summary.Reference, Kind: file.summary.Kind, Late: file.late,
			Lines: file.summary.Lines, Gross: file.summary.Gross, Commission: file.summary.Commission,
		})
	}

	return summary
}
