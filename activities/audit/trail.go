package audit

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/audit/internal/db"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

const (
	// HashPrefix is how many hexadecimal digits of a SHA-256 name a file at least:
	// enough to tell apart all that ever come in, and what archived files show.
	HashPrefix = 12
	// payoutsOnward is how many payouts of a CP are shown after a card line: it
	// left in one of the first.
	payoutsOnward = 3
	// debtsFollowed is of how many merchants that a settlement made debtors the
	// debts are followed; its covers name all.
	debtsFollowed = 20
)

// Item is a thing on a trail, whatever its kind.
type Item struct {
	Kind string     `json:"kind"`
	ID   string     `json:"id"`
	At   *time.Time `json:"at,omitempty"`
	// Amount is in cents, nil for a thing that has none. That of a bank line is signed.
	Amount *money.Cents `json:"amountCents,omitempty"`
	State  string       `json:"state,omitempty"`
	// Vacation is the session that made it.
	Vacation      string `json:"vacation,omitempty"`
	CorrelationID string `json:"correlationId,omitempty"`
	// Detail is for a person to read; IBANs in it are masked.
	Detail string `json:"detail,omitempty"`
}

// Section is things of one sort, [ListMax] at most.
type Section struct {
	Name  string `json:"name"`
	Items []Item `json:"items"`
	// More counts those that are not listed.
	More int64 `json:"more"`
}

// The sections, in their order.
const (
	SectionPayments  = "card payments"
	SectionFiles     = "files"
	SectionRequests  = "requests"
	SectionJournal   = "journal"
	SectionDebts     = "debts"
	SectionPayouts   = "payouts"
	SectionTransfers = "own transfers"
	SectionBulks     = "bulks"
	SectionBankLines = "bank lines"
	SectionRejects   = "rejects"
	SectionVacations = "vacations"
	SectionActs      = "acts"
)

// key is what things of a trail are known by.
type key string

const (
	keySettlement key = "settlement" // numbers
	keyRun        key = "run"
	keyScope      key = "scope"   // sessions whose payouts are listed
	keyCP         key = "cp"      // payment accounts of which all is listed
	keySiret      key = "siret"   // merchants whose debts are listed
	keyPayout     key = "payout"  // numbers
	keyRef        key = "ref"     // refExternes of the payouts that are listed
	keyOrder      key = "order"   // numbers of own transfers
	keyRequest    key = "request" // file:line of Payline
	keyBulk       key = "bulk"    // numbers
	keyWhole      key = "whole"   // numbers of bulks whose payouts are listed
	keyLine       key = "line"    // the bank's identifiers
	keyFile       key = "file"    // numbers of Payline files
	keyStatement  key = "statement"
	keySnapshot   key = "snapshot"
	keySubject    key = "subject" // of operators' acts
	keyPayment    key = "payment" // numbers of card payments
	keyForm       key = "form"    // numbers of their forms
	keySession    key = "vacation"
	keyCorrelated key = "correlation"
)

// keys are those of a trail, each once.
type keys struct {
	values map[key][]string
	known  map[known]bool
}

type known struct {
	name  key
	value string
}

func newKeys() keys { return keys{values: make(map[key][]string), known: make(map[known]bool)} }

func (k keys) add(name key, value string) {
	if value != "" && !k.known[known{name, value}] {
		k.known[known{name, value}] = true
		k.values[name] = append(k.values[name], value)
	}
}

//go:embed trails/*.sql
var trailFiles embed.FS

func trailQuery(name string) (string, error) {
	query, err := trailFiles.ReadFile("trails/" + name + ".sql")
	if err != nil {
		return "", fmt.Errorf("read the query %s: %w", name, err)
	}
	return string(query), nil
}

// arguments are what all queries of trails may name.
func (f *finder) arguments() pgx.NamedArgs {
	arguments := pgx.NamedArgs{"id": f.id, "narrow": f.narrow, "debts": debtsFollowed, "card_line": 0}
	if f.trail.Line != nil {
		arguments["card_line"] = f.trail.Line.Line
	}
	for _, name := range []key{
		keySettlement, keyRun, keyScope, keyCP, keySiret, keyPayout, keyRef, keyOrder, keyRequest, keyBulk, keyWhole, keyLine,
		keyFile, keyStatement, keySnapshot, keySubject, keyPayment, keyForm, keySession, keyCorrelated,
	} {
		values := f.keys.values[name]
		if values == nil {
			values = []string{}
		}
		arguments[string(name)] = values
	}
	return arguments
}

// gather adds the keys that a query finds, and tells how many rows there were.
func (f *finder) gather(ctx context.Context, name string, arguments pgx.NamedArgs) (int, error) {
	query, err := trailQuery(name)
	if err != nil {
		return 0, err
	}
	rows, err := f.tx.Query(ctx, query, arguments)
	if err != nil {
		return 0, fmt.Errorf("query %s: %w", name, err)
	}
	var found key
	var value string
	count := 0
	_, err = pgx.ForEachRow(rows, []any{&found, &value}, func() error {
		count++
		f.keys.add(found, value)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	return count, nil
}

// seed looks whether the identifier is of a kind, and where its trail goes on.
func (f *finder) seed(kind string) func(context.Context) error {
	return func(ctx context.Context) error {
		found, err := f.gather(ctx, "seed_"+kind, f.arguments())
		if err == nil && found == 0 {
			err = pgx.ErrNoRows
		}
		return err
	}
}

var hashDigits = regexp.MustCompile(`^[0-9a-fA-F]{12,64}$`)

// file looks for a file by its hash.
func (f *finder) file(ctx context.Context) error {
	if !hashDigits.MatchString(f.id) {
		return pgx.ErrNoRows // no hash is written like this
	}
	return f.seed("file")(ctx)
}

// onward finds where the money of a card line may have gone from its CP.
func (f *finder) onward(ctx context.Context) error {
	line := f.trail.Line
	f.keys.add(keySubject, fmt.Sprintf("parked line %d of %s", line.Line, f.trail.Settlement.Reference))
	if line.Entry == nil {
		return nil
	}
	account, after := "", line.Entry.batch
	for _, code := range []ledger.Code{line.Entry.Credit, line.Entry.Debit} {
		if id, is := code.AccountID(); is {
			account = id
		}
	}
	if line.Parked != nil && line.Parked.AssignedTo != "" {
		account, after = line.Parked.AssignedTo, line.Parked.assignedBatch
	}
	if line.Entry.Debit.Class() == ledger.ClassDebt {
		f.keys.add(keySiret, named(string(line.Entry.Debit)))
	}
	if account == "" {
		return nil
	}
	for _, entry := range line.After {
		if entry.Debit.Class() == ledger.ClassDebt {
			f.keys.add(keySiret, named(string(entry.Debit)))
		}
	}
	arguments := f.arguments()
	arguments["account_id"], arguments["after"], arguments["first"] = account, after, payoutsOnward
	if _, err := f.gather(ctx, "onward", arguments); err != nil {
		return err
	}
	f.trail.Notes = append(f.trail.Notes, fmt.Sprintf(
		"a payment account is one balance: which payout took this line is not defined; shown are the first %d payouts of %s "+
			"that were posted after it", payoutsOnward, account))
	return nil
}

// follow goes on from the keys that the identifier gave.
func (f *finder) follow(ctx context.Context) error {
	if _, err := f.gather(ctx, "links", f.arguments()); err != nil {
		return err
	}
	payouts, err := f.section(ctx, SectionPayouts, "payouts")
	if err != nil {
		return err
	}
	for i := range payouts.Items {
		f.keys.add(keyRef, payouts.Items[i].ID)
		f.keys.add(keySubject, payouts.Items[i].Vacation)
	}
	// Twice: from payouts to their bulks and bank lines, and from an order to its
	// bulk and from that to what it hangs together with.
	for range 2 {
		if _, err := f.gather(ctx, "links", f.arguments()); err != nil {
			return err
		}
	}
	for _, line := range f.keys.values[keyLine] {
		f.keys.add(keySubject, "bank line "+line)
	}
	return f.sections(ctx, payouts)
}

// sections reads all others, and lists them in their order.
func (f *finder) sections(ctx context.Context, payouts Section) error {
	journal, debts := "journal", ""
	if len(f.keys.values[keyCP]) > 0 {
		journal = "journal_cp"
	}
	if len(f.keys.values[keySiret]) > 0 {
		debts = "debts"
	}
	for _, wanted := range []struct{ name, query string }{
		{SectionPayments, "card_payments"},
		{SectionFiles, "files"},
		{SectionRequests, "requests"},
		{SectionJournal, journal},
		{SectionDebts, debts},
		{SectionPayouts, ""},
		{SectionTransfers, "transfers"},
		{SectionBulks, "bulks"},
		{SectionBankLines, "bank_lines"},
		{SectionRejects, "rejects"},
		{SectionVacations, "vacations"},
		{SectionActs, "acts"},
	} {
		section := payouts
		if wanted.query != "" {
			var err error
			if section, err = f.section(ctx, wanted.name, wanted.query); err != nil {
				return err
			}
		} else if wanted.name != SectionPayouts {
			continue
		}
		if len(section.Items) > 0 {
			f.trail.Sections = append(f.trail.Sections, section)
		}
	}
	return nil
}

// section reads one. What its items say of vacations and bulks, later ones go on from.
func (f *finder) section(ctx context.Context, name, file string) (Section, error) {
	section := Section{Name: name}
	query, err := trailQuery(file)
	if err != nil {
		return section, err
	}
	arguments := f.arguments()
	arguments["most"] = ListMax
	// The count is of all; the rows come in the query's own order.
	rows, err := f.tx.Query(ctx, `
		select kind, id, at, amount, state, vacation, correlation, detail, count(*) over ()
		from (`+query+`) as item limit @most`, arguments)
	if err != nil {
		return section, fmt.Errorf("query %s: %w", name, err)
	}
	var item Item
	total := int64(0)
	_, err = pgx.ForEachRow(rows, []any{
		&item.Kind, &item.ID, &item.At, &item.Amount, &item.State, &item.Vacation, &item.CorrelationID, &item.Detail, &total,
	}, func() error {
		if item.CorrelationID != "" {
			f.keys.add(keyCorrelated, item.CorrelationID)
		} else {
			f.keys.add(keySession, item.Vacation)
		}
		if name == SectionBulks {
			f.keys.add(keySubject, item.ID)
		}
		section.Items = append(section.Items, item)
		return nil
	})
	if err != nil {
		return section, fmt.Errorf("read %s: %w", name, err)
	}
	if name == SectionBulks {
		if err := f.tellDispatches(ctx, section.Items); err != nil {
			return section, err
		}
	}
	details := make([]*string, len(section.Items))
	for i := range section.Items {
		details[i] = &section.Items[i].Detail
	}
	if err := maskAll(ctx, db.New(f.tx), details); err != nil {
		return section, err
	}
	section.More = total - int64(len(section.Items))
	return section, nil
}

// tellDispatches says in their details how far bulks are on their way to the bank.
func (f *finder) tellDispatches(ctx context.Context, bulks []Item) error {
	names := make([]string, len(bulks))
	for i := range bulks {
		names[i] = bulks[i].ID
	}
	dispatches, err := dispatchesOf(ctx, db.New(f.tx), names)
	if err != nil {
		return err
	}
	for i := range bulks {
		bulks[i].Detail = "dispatch " + string(dispatches[bulks[i].ID]) + ", " + bulks[i].Detail
	}
	return nil
}
