package command

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/worker/boot/labels"
	"github.com/reglo/reglo/workflows"
)

func newRun(s *session) *cobra.Command {
	group := &cobra.Command{
		Use:   "run",
		Short: "Start a vacation",
		Long: `Start a single vacation. What is started with the same parameters is the same
vacation: the run that is under way, or that ended, is shown, and with other
parameters it is refused. One that ended with error is followed by a new run,
which goes on where it stopped. So a scheduler may repeat any of these commands.`,
	}
	for _, kind := range reglementKinds() {
		group.AddCommand(newRunReglement(s, kind))
	}
	group.AddCommand(newRunCreances(s), newRunFinanciere(s), newRunTechnique(s))
	return group
}

// reglementKind is what sets the command of one règlement apart.
type reglementKind struct {
	kind                       vacation.Kind
	workflow, use, short, file string
	// classes are the bank lines that it settles.
	classes []label.Class
}

func reglementKinds() []reglementKind {
	return []reglementKind{
		{
			kind: vacation.ReglementTransactions, workflow: workflows.ReglementTransactionsName,
			use: "reglement-transactions --global FILE.json --file CRE", file: "Fichier.CRE.EP.TI.UEP.txt",
			short:   "Settle a bank line by the CRE file that explains it",
			classes: []label.Class{label.SettlementTransaction},
		},
		{
			kind: vacation.ReglementImpayes, workflow: workflows.ReglementImpayesName,
			use: "reglement-impayes --global FILE.json --file CRE", file: "Fichier.CRE.EP.TI.IMP.txt",
			short: "Take unpaids that the bank debited back from payment accounts, by the CRE file that explains them",
			// A credit of unpaids has the label of sales where the settings do not name its operation type.
			classes: []label.Class{label.SettlementUnpaid, label.SettlementTransaction},
		},
		{
			kind: vacation.ReglementVirements, workflow: workflows.ReglementVirementsName,
			use: "reglement-virements --global FILE.json [--file DETAIL]", file: "pain002.LOTREJVIR00000000000101.xml",
			short:   "Settle a remittance that the bank debited, or a lot of transfers that came back",
			classes: []label.Class{label.Remittance, label.Rejects},
		},
	}
}

// reglementFlags are what a règlement is started with.
type reglementFlags struct {
	waitFlags

	global, file, date string
}

func newRunReglement(s *session, of reglementKind) *cobra.Command {
	var flags reglementFlags
	cmd := &cobra.Command{
		Use:   of.use,
		Short: of.short,
		Long: of.short + `.

The file need not be there yet: the run waits for it until the cut-off of the
business date. A folder stands for the file in it that carries the reference.

A reference is settled once: started again, the run that is under way or that
has settled it is shown. With another bank line or another file it is refused.`,
		Example: "  starter run " + nameOf(of.kind) + " --global global.json --file " + of.file + " --wait",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.runReglement(cmd, of, flags)
		},
	}
	cmd.Flags().StringVar(&flags.global, "global", "", "file with the bank line, a globalTransaction in JSON")
	cmd.Flags().StringVar(&flags.file, "file", "", "file that explains it, which may not exist yet, or its folder")
	cmd.Flags().StringVar(&flags.date, "date", "", dateUsage)
	flags.add(cmd)
	return cmd
}

// dateUsage explains --date.
const dateUsage = "business date, yyyy-MM-dd (default: today, or the next TARGET day)"

// nameOf is how commands call a vacation.
func nameOf(kind vacation.Kind) string { return strings.TrimPrefix(string(kind), "vacation-") }

func (s *session) runReglement(cmd *cobra.Command, of reglementKind, flags reglementFlags) error {
	if err := flags.check(cmd, of); err != nil {
		return err
	}
	settings, err := s.settings(cmd)
	if err != nil {
		return err
	}
	grammars, err := labels.Read(settings.Label, settings.Bank)
	if err != nil {
		return &InputError{What: err.Error(), Next: "correct the setting, or the file that it names"}
	}
	transaction, err := readGlobal(flags.global)
	if err != nil {
		return err
	}
	if err := of.check(grammars, flags.global, transaction); err != nil {
		return err
	}
	date, err := s.businessDate(flags.date)
	if err != nil {
		return err
	}
	request := workflows.ReglementRequest{
		BusinessDate: date, Transaction: transaction, CutOff: settings.Calendar.CutOff.On(date),
	}
	if flags.file != "" {
		if request.File, err = absolute("--file", flags.file); err != nil {
			return err
		}
	}
	id, err := vacation.NewID(of.kind, transaction.Reference)
	if err != nil {
		return &InputError{What: err.Error(), Next: "correct the bank line's reference"}
	}
	return s.launch(cmd, flags.waitFlags, launch{
		id: id.String(), workflow: of.workflow, request: request, reference: transaction.Reference,
		differs: func(ctx context.Context, connection server, there started) (string, error) {
			return otherReglement(ctx, connection, there, request)
		},
	})
}

func (f *reglementFlags) check(cmd *cobra.Command, of reglementKind) error {
	switch {
	case f.global == "":
		return &InputError{What: "--global is missing", Next: helpOf(cmd)}
	case f.file == "" && of.kind != vacation.ReglementVirements:
		return &InputError{What: "--file is missing", Next: helpOf(cmd)}
	default:
		return f.waitFlags.check(cmd)
	}
}

// absolute is a path as the workers see it, who stand in another folder.
func absolute(flag, path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", &InputError{What: flag + " " + path, Next: "give the file's absolute path", Err: err}
	}
	return whole, nil
}

// businessDate reads --date, which must be a TARGET day; none is today's.
func (s *session) businessDate(text string) (calendar.Date, error) {
	if text == "" {
		return calendar.BusinessDate(calendar.Target{}, s.now()), nil
	}
	date, err := calendar.ParseDate(text)
	if err != nil {
		return calendar.Date{}, err
	}
	if open := calendar.RollForward(calendar.Target{}, date); open != date {
		return calendar.Date{}, &InputError{
			What: "--date " + date.String() + " is no TARGET day", Next: "the next one is " + open.String(),
		}
	}
	return date, nil
}

// globalMax bounds the file of a bank line, in bytes: it holds some hundred.
const globalMax = 64 << 10

// readGlobal reads a bank line.
func readGlobal(path string) (ogep.GlobalTransaction, error) {
	var none ogep.GlobalTransaction
	if err := readable(path); err != nil {
		return none, err
	}
	file, err := os.Open(path)
	if err != nil {
		return none, &InputError{What: err.Error()}
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, globalMax+1))
	if err != nil {
		return none, &InputError{What: err.Error()}
	}
	if len(content) > globalMax {
		return none, &InputError{What: fmt.Sprintf("%s is longer than %d bytes", path, globalMax), Next: globalNext}
	}
	transaction, err := ogep.ParseGlobalTransaction(content)
	if err != nil {
		return none, &InputError{What: path, Next: globalNext, Err: err}
	}
	return transaction, nil
}

const globalNext = "correct the bank line: a globalTransaction as the OG-EP reference has it, " +
	"whose label holds its operation type and reference"

// check refuses a bank line that another règlement settles, or none, and one
// whose label does not say the same as its fields.
func (of reglementKind) check(grammars *label.Classifier, path string, transaction ogep.GlobalTransaction) error {
	if of.kind == vacation.ReglementTransactions && transaction.Amount <= 0 {
		return &InputError{
			What: path + ": amount " + euros(transaction.Amount) + " is no credit",
			Next: "a bank debit of unpaids is settled by `starter run reglement-impayes`",
		}
	}
	line := grammars.Classify(transaction.Label, transaction.Amount, ledger.Reglement)
	switch {
	case line.Class == label.Unknown:
		return &InputError{
			What: fmt.Sprintf("%s: label %q is not that of a settlement: %s", path, transaction.Label, line.Reason), Next: globalNext,
		}
	case !slices.Contains(of.classes, line.Class):
		return &InputError{
			What: fmt.Sprintf("%s: label %q is not that of a settlement by %s, but of class %s",
				path, transaction.Label, nameOf(of.kind), line.Class),
			Next: "`starter run --help` lists the vacations; each settles lines of its own",
		}
	case line.Reference != transaction.Reference:
		return &InputError{
			What: fmt.Sprintf("%s: label %q is of reference %s, the fields say %s",
				path, transaction.Label, line.Reference, transaction.Reference),
			Next: globalNext,
		}
	case line.OperationType != "" && line.OperationType != transaction.OperationType:
		return &InputError{
			What: fmt.Sprintf("%s: label %q is of operation type %s, the fields say %s",
				path, transaction.Label, line.OperationType, transaction.OperationType),
			Next: globalNext,
		}
	default:
		return nil
	}
}

// otherReglement says in what the run that is there was started with another
// bank line or another file.
func otherReglement(
	ctx context.Context, connection server, there started, request workflows.ReglementRequest,
) (string, error) {
	var input workflows.ReglementRequest
	if err := inputOf(ctx, connection, there, &input); err != nil {
		return "", err
	}
	switch {
	case !bytes.Equal(input.Transaction.AppendJSON(nil), request.Transaction.AppendJSON(nil)):
		return "is there with another bank line: " + difference(input.Transaction, request.Transaction), nil
	case there.over:
		return otherFile(ctx, connection, request, there)
	case input.File != request.File:
		return "is under way with another file, " + input.File, nil
	default:
		return "", nil
	}
}

// otherFile tells a file whose content is not the one that the reference was
// settled from. A file that is no longer there, a folder, and a settlement
// without a file are not asked for.
func otherFile(ctx context.Context, connection server, request workflows.ReglementRequest, there started) (string, error) {
	info, err := os.Stat(request.File)
	if request.File == "" || errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return "", nil
	}
	sum, err := sumOf(request.File)
	if err != nil {
		return "", &InputError{What: err.Error(), Next: "name a file that you may read"}
	}
	var settled vacation.Totals
	if err := connection.GetWorkflow(ctx, there.workflowID, there.runID).Get(ctx, &settled); err != nil {
		return "", fmt.Errorf("read the result of %s: %w", there.workflowID, err)
	}
	if settled.FileSHA256 != "" && sum != settled.FileSHA256 {
		return fmt.Sprintf("was settled from another file (sha256 %.12s…, this one is %.12s…)", settled.FileSHA256, sum), nil
	}
	return "", nil
}

func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err //nolint:wrapcheck // the error names the path
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// difference names the first thing in which two bank lines differ.
func difference(have, want ogep.GlobalTransaction) string {
	for _, field := range []struct{ name, have, want string }{
		{"amount", have.Amount.String(), want.Amount.String()},
		{"id", have.ID, want.ID},
		{"label", have.Label, want.Label},
		{"value date", have.ValueAt.String(), want.ValueAt.String()},
	} {
		if field.have != field.want {
			return field.name + " " + field.have + ", this one says " + field.want
		}
	}
	return "a date or a status differs"
}
