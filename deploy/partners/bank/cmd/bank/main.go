// Bank is a STAND-IN for the bank that keeps the EP's three accounts: the program of package bank. It plays the bank on a
// developer's machine, one command after the other, and never touches real money.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/reglo/reglo/deploy/partners/bank"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/worker/boot/config"
)

func main() {
	if err := newProgram(os.Stdout, os.Environ()).Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "bank:", err)
		os.Exit(1)
	}
}

// program is the command line. Each command writes one JSON document to the standard output.
type program struct {
	out                  io.Writer
	environ              []string
	state, outbox, inbox string
	date                 string
	faults               faultFlags
}

func newProgram(out io.Writer, environ []string) *cobra.Command {
	p := &program{out: out, environ: environ}
	root := &cobra.Command{
		Use:   "bank",
		Short: "A stand-in for the bank that keeps the EP's three accounts",
		Long: `A stand-in for the bank that keeps the EP's three accounts. It takes the bulk
files of an outbox, books settlements and other lines, and answers with
reports, statements and the details of rejected lots in an inbox, in the
formats that it was opened with. Its books are one JSON file. What goes wrong
at a bank goes wrong on demand.`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&p.state, "state", "", "file of the bank's books")
	flags.StringVar(&p.outbox, "outbox", "", "folder that the EP's bulk files come to (default: outbox of the settings' data.dir)")
	flags.StringVar(&p.inbox, "inbox", "", "folder that the answers go to (default: inbox of the settings' data.dir)")
	flags.StringVar(&p.date, "date", "", "the bank's day, yyyy-MM-dd")
	config.AddFileFlag(flags)
	root.AddCommand(
		p.newOpen(), p.newTake(), p.newSettle(), p.newLine(), p.newBook(), p.newStatement(), p.newSpeak(), p.newRelease(), p.newBalance(),
	)

	return root
}

// settings are those of the engine beside which the stand-in runs: they name its accounts and folders.
func (p *program) settings(flags *pflag.FlagSet) (config.Config, error) {
	settings, err := config.Load(flags, p.environ)
	if err != nil {
		return config.Config{}, fmt.Errorf("the settings: %w", err)
	}

	return settings, nil
}

// folders names those that no flag does.
func (p *program) folders(flags *pflag.FlagSet) error {
	if p.outbox != "" && p.inbox != "" {
		return nil
	}

	settings, err := p.settings(flags)
	if err != nil {
		return err
	}

	if p.outbox == "" {
		p.outbox = filepath.Join(settings.Data.Dir, "outbox")
	}

	if p.inbox == "" {
		p.inbox = filepath.Join(settings.Data.Dir, "inbox")
	}

	return nil
}

func (p *program) day() (calendar.Date, error) {
	if p.date == "" {
		return calendar.Date{}, errors.New("--date is missing: name the bank's day, such as --date 2026-03-17")
	}

	return calendar.ParseDate(p.date)
}

// with works on the books, and shows what came out.
func (p *program) with(work func(*bank.Bank) (any, error)) error {
	if p.state == "" {
		return errors.New("--state is missing: name the file of the bank's books")
	}

	opened, err := bank.Open(p.state)
	if err != nil {
		return fmt.Errorf("%w; `bank open` begins the books", err)
	}

	faults, err := p.faults.faults()
	if err != nil {
		return errors.Join(err, opened.Close())
	}

	opened.SetFaults(faults)

	shown, err := work(opened)
	if err := errors.Join(err, opened.Close()); err != nil {
		return err
	}

	return p.show(shown)
}

func (p *program) show(document any) error {
	if err := json.NewEncoder(p.out).Encode(document); err != nil {
		return fmt.Errorf("write what came out: %w", err)
	}

	return nil
}

func (p *program) newOpen() *cobra.Command {
	var formats bank.Formats

	amounts := map[ledger.Code]*string{ledger.Reglement: new(string), ledger.Cantonnement: new(string), ledger.Fonctionnement: new(string)}
	cmd := &cobra.Command{
		Use:   "open --state F",
		Short: "Begin the bank's books, with the accounts that the engine's settings name",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := p.settings(cmd.Root().PersistentFlags())
			if err != nil {
				return err
			}

			opening := map[ledger.Code]bank.Account{
				ledger.Reglement:      {IBAN: settings.Bank.Reglement.IBAN},
				ledger.Cantonnement:   {IBAN: settings.Bank.Cantonnement.IBAN},
				ledger.Fonctionnement: {IBAN: settings.Bank.Fonctionnement.IBAN},
			}

			for code, text := range amounts {
				account := opening[code]
				if account.Balance, err = money.Parse(*text); err != nil {
					return fmt.Errorf("opening balance of %s: %w", code, err)
				}

				opening[code] = account
			}

			begun, err := bank.New(p.state, opening, bank.WithFormats(formats))
			if err != nil {
				return err
			}

			return errors.Join(p.show(balances(begun)), begun.Close())
		},
	}
	cmd.Flags().StringVar(amounts[ledger.Reglement], "reglement", "0", "opening balance of règlement, in euros")
	cmd.Flags().StringVar(amounts[ledger.Cantonnement], "cantonnement", "0", "opening balance of cantonnement, in euros")
	cmd.Flags().StringVar(amounts[ledger.Fonctionnement], "fonctionnement", "0", "opening balance of fonctionnement, in euros")
	cmd.Flags().StringVar((*string)(&formats.Statement), "statement-format", string(bank.StatementCamt053),
		fmt.Sprintf("of statements, one of %q", bank.StatementFormats()))
	cmd.Flags().StringVar((*string)(&formats.Rejects), "rejects-format", string(bank.RejectsPain002),
		fmt.Sprintf("of the details of lots, one of %q; camt.053 has them inside the statement", bank.RejectsFormats()))
	cmd.Flags().BoolVar(&formats.Report, "report", false, "answer each bulk with a pain.002")
	cmd.Flags().BoolVar(&formats.OneFile, "one-file", false, "state the three accounts in one file")

	return cmd
}

func (p *program) newTake() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "take --state F --date D",
		Short: "Take the bulk files of the outbox, and deliver the reports on them into the inbox",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			date, err := p.day()
			if err != nil {
				return err
			}

			if err := p.folders(cmd.Root().PersistentFlags()); err != nil {
				return err
			}

			return p.with(func(b *bank.Bank) (any, error) {
				taken, err := b.Take(p.outbox, date)
				if err != nil {
					return nil, err
				}

				names, err := b.DeliverReports(p.inbox)

				return struct {
					Bulks []bank.Taken `json:"bulks"`
					Files []string     `json:"files,omitempty"`
				}{taken, names}, err
			})
		},
	}
	p.faults.addTaking(cmd.Flags())

	return cmd
}

// bookedLine is a line that was booked.
type bookedLine struct {
	Key string `json:"key"`
	ID  string `json:"id"`
}

func (p *program) book(moves ...bank.Movement) error {
	date, err := p.day()
	if err != nil {
		return err
	}

	return p.with(func(b *bank.Bank) (any, error) {
		booked := make([]bookedLine, 0, len(moves))

		for _, moved := range moves {
			id, err := b.Book(date, moved)
			if err != nil {
				return nil, err
			}

			booked = append(booked, bookedLine{moved.Key, id})
		}

		return struct {
			Lines []bookedLine `json:"lines"`
		}{booked}, nil
	})
}

func (p *program) newSettle() *cobra.Command {
	var (
		settled       bank.Settlement
		amount, value string
	)

	cmd := &cobra.Command{
		Use:   "settle --state F --date D --reference R --amount A",
		Short: "Book a settlement on the règlement account, below zero for unpaids",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var err error
			if settled.Amount, err = money.Parse(amount); err != nil {
				return err
			}

			if settled.ValueDate, err = optionalDate(value); err != nil {
				return err
			}

			return p.book(settled.Movement())
		},
	}
	cmd.Flags().StringVar(&settled.Reference, "reference", "", "of the settlement, <seq6><yyyyMMdd>UEP")
	cmd.Flags().StringVar(&settled.OperationType, "operation-type", "100", "of the settlement")
	cmd.Flags().StringVar(&amount, "amount", "", "in euros, below zero for a debit")
	cmd.Flags().StringVar(&value, "value-date", "", "yyyy-MM-dd (default: the bank's day)")

	return cmd
}

func (p *program) newLine() *cobra.Command {
	var (
		moved                  bank.Movement
		account, amount, value string
	)

	cmd := &cobra.Command{
		Use:   "line --state F --date D --key K --account BK.FON --label L --amount A",
		Short: "Book any other line, such as the bank's own fees",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var err error
			if moved.Amount, err = money.Parse(amount); err != nil {
				return err
			}

			if moved.ValueDate, err = optionalDate(value); err != nil {
				return err
			}

			moved.Account = ledger.Code(account)

			return p.book(moved)
		},
	}
	cmd.Flags().StringVar(&moved.Key, "key", "", "names the line: told again, it is not booked again")
	cmd.Flags().StringVar(&account, "account", string(ledger.Fonctionnement), "BK.REG, BK.CAN or BK.FON")
	cmd.Flags().StringVar(&moved.Label, "label", "FRAIS TENUE DE COMPTE", "of the line")
	cmd.Flags().StringVar(&amount, "amount", "", "in euros, below zero for a debit")
	cmd.Flags().StringVar(&value, "value-date", "", "yyyy-MM-dd (default: the bank's day)")

	return cmd
}

func (p *program) newBook() *cobra.Command {
	return &cobra.Command{
		Use:   "book --state F --date D FILE",
		Short: "Book the movements of a file, JSON, one a line, as `starter sample day` writes them",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			moves, err := readMovements(args[0])
			if err != nil {
				return err
			}

			return p.book(moves...)
		},
	}
}

func readMovements(path string) ([]bank.Movement, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the movements: %w", err)
	}

	defer func() { _ = file.Close() }() // only read

	var moves []bank.Movement

	for decoder := json.NewDecoder(file); ; {
		var moved bank.Movement

		decoder.DisallowUnknownFields()

		switch err := decoder.Decode(&moved); {
		case errors.Is(err, io.EOF):
			return moves, nil
		case err != nil:
			return nil, fmt.Errorf("read the movements of %s: movement %d: %w", path, len(moves)+1, err)
		}

		moves = append(moves, moved)
	}
}

// deliveredFiles are those that went into the inbox.
type deliveredFiles struct {
	Files []string `json:"files"`
}

func (p *program) newStatement() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "statement --state F --date D",
		Short: "State the three accounts, and deliver statements and details of lots into the inbox",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			date, err := p.day()
			if err != nil {
				return err
			}

			if err := p.folders(cmd.Root().PersistentFlags()); err != nil {
				return err
			}

			return p.with(func(b *bank.Bank) (any, error) {
				names, err := b.CloseDay(date, p.inbox)

				return deliveredFiles{names}, err
			})
		},
	}
	p.faults.addStating(cmd.Flags())

	return cmd
}

func (p *program) newSpeak() *cobra.Command {
	return &cobra.Command{
		Use:   "speak --state F --date D BULK",
		Short: "Debit a bulk that the bank was silent about",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			date, err := p.day()
			if err != nil {
				return err
			}

			return p.with(func(b *bank.Bank) (any, error) {
				err := b.Speak(args[0], date)

				return balances(b), err
			})
		},
	}
}

func (p *program) newRelease() *cobra.Command {
	return &cobra.Command{
		Use:   "release --state F",
		Short: "Deliver what was kept back",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.folders(cmd.Root().PersistentFlags()); err != nil {
				return err
			}

			return p.with(func(b *bank.Bank) (any, error) {
				if err := b.Release(); err != nil {
					return nil, err
				}

				names, err := b.Deliver(p.inbox)

				return deliveredFiles{names}, err
			})
		},
	}
}

func (p *program) newBalance() *cobra.Command {
	return &cobra.Command{
		Use:   "balance --state F",
		Short: "Show where the accounts stand at the bank, in cents, and how many copies of bulks came in",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return p.with(func(b *bank.Bank) (any, error) { return balances(b), nil })
		},
	}
}

// position is where the accounts stand.
type position struct {
	Balances map[ledger.Code]money.Cents `json:"balancesCents"`
	Copies   map[string]int              `json:"copies,omitempty"`
}

func balances(b *bank.Bank) position {
	all := position{Balances: map[ledger.Code]money.Cents{}, Copies: b.Copies()}
	for _, code := range bank.Accounts() {
		all.Balances[code] = b.Balance(code)
	}

	return all
}

// faultFlags are the faults as flags.
type faultFlags struct {
	bank.Faults

	rejectIBANFile          string
	late, missing, repeated []string
}

func (f *faultFlags) addTaking(flags *pflag.FlagSet) {
	flags.IntVar(&f.RejectShare, "reject-share", 0, "payouts that come back, per mille")
	flags.Uint64Var(&f.Seed, "seed", 1, "draws which ones")
	flags.StringSliceVar(&f.RejectIDs, "reject", nil, "endToEndIds of payouts that come back")
	flags.StringVar(&f.rejectIBANFile, "reject-ibans", "", "file of creditors' IBANs, one a line, whose payouts come back")
	flags.IntVar(&f.RejectBeforeShare, "reject-before-share", 0, "payouts that are not executed, as the report says, per mille")
	flags.StringSliceVar(&f.RejectBeforeIDs, "reject-before", nil, "endToEndIds of payouts that are not executed")
	flags.StringSliceVar(&f.RefuseBulks, "refuse", nil, "names of bulks that are refused whole")
	flags.StringSliceVar(&f.SilentBulks, "silent", nil, "names of bulks of which nothing is heard before \"bank speak\"")
	flags.BoolVar(&f.LateCredits, "late-credits", false, "credit transfers between the three accounts a business day late")
}

func (f *faultFlags) addStating(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.late, "late", nil, "accounts whose statement comes with the next delivery")
	flags.StringSliceVar(&f.missing, "missing", nil, "accounts whose statement does not come before \"bank release\": a gap")
	flags.StringSliceVar(&f.repeated, "repeated", nil, "accounts whose statement comes again with the next delivery")
	flags.BoolVar(&f.LateDetails, "late-details", false, "details of lots come with the next delivery")
	flags.BoolVar(&f.PartialDetails, "partial-details", false, "details of lots lack their last payout before \"bank release\"")
}

func (f *faultFlags) faults() (bank.Faults, error) {
	f.LateStatements, f.LostStatements, f.RepeatedStatements = codes(f.late), codes(f.missing), codes(f.repeated)

	for name, share := range map[string]int{"reject-share": f.RejectShare, "reject-before-share": f.RejectBeforeShare} {
		if share < 0 || share > 1000 {
			return bank.Faults{}, fmt.Errorf("--%s is %d, it must lie between 0 and 1000", name, share)
		}
	}

	if f.rejectIBANFile == "" {
		return f.Faults, nil
	}

	content, err := os.ReadFile(f.rejectIBANFile)
	if err != nil {
		return bank.Faults{}, fmt.Errorf("read the IBANs whose payouts come back: %w", err)
	}

	f.RejectIBANs = strings.Fields(string(content))

	return f.Faults, nil
}

func codes(texts []string) []ledger.Code {
	all := make([]ledger.Code, len(texts))
	for i, text := range texts {
		all[i] = ledger.Code(text)
	}

	return all
}

func optionalDate(text string) (calendar.Date, error) {
	if text == "" {
		return calendar.Date{}, nil
	}

	return calendar.ParseDate(text)
}
