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
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

func newRun(s *session) *cobra.Command {
	group := &cobra.Command{Use: "run", Short: "Start a vacation"}
	group.AddCommand(newRunReglementTransactions(s))
	return group
}

// runFlags are what a règlement is started with.
type runFlags struct {
	global, file, date string
	wait               bool
	timeout            time.Duration
}

func newRunReglementTransactions(s *session) *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "reglement-transactions --global FILE.json --file CRE",
		Short: "Settle a bank line by the CRE file that explains it",
		Long: `Settle a bank line by the CRE file that explains it. The file need not be
there yet: the run waits for it until the cut-off of the business date.

A reference is settled once: started again, the run that is under way or that
has settled it is shown. With another bank line or another file it is refused.`,
		Example: "  starter run reglement-transactions --global global.json --file Fichier.CRE.EP.TI.UEP.txt --wait",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.runReglementTransactions(cmd, flags)
		},
	}
	cmd.Flags().StringVar(&flags.global, "global", "", "file with the bank line, a globalTransaction in JSON")
	cmd.Flags().StringVar(&flags.file, "file", "", "CRE file, which may not exist yet")
	cmd.Flags().StringVar(&flags.date, "date", "", "business date, yyyy-MM-dd (default: today, or the next TARGET day)")
	cmd.Flags().BoolVar(&flags.wait, "wait", false, "wait until the run ends, and show its progress")
	cmd.Flags().DurationVar(&flags.timeout, "timeout", 0,
		"with --wait: give up waiting after this long, such as 30s (the run goes on; exit code 1, or 3 when it waits)")
	return cmd
}

func (s *session) runReglementTransactions(cmd *cobra.Command, flags runFlags) error {
	if err := flags.check(cmd); err != nil {
		return err
	}
	settings, err := s.settings(cmd)
	if err != nil {
		return err
	}
	request, err := newRequest(flags, s.now(), settings.Calendar.CutOff)
	if err != nil {
		return err
	}
	connection, _, err := s.temporal(cmd)
	if err != nil {
		return err
	}
	started, err := start(cmd.Context(), connection, request)
	if err != nil {
		return err
	}
	link := s.link(settings.Temporal.Namespace, started.workflowID, started.runID)
	result := runDocument{
		Outcome: started.outcome(), Reference: request.Transaction.Reference,
		WorkflowID: started.workflowID, RunID: started.runID, UI: link,
	}
	if !flags.wait && !started.over {
		return s.show(result)
	}
	return s.wait(cmd.Context(), connection, waiting{
		result: result, timeout: flags.timeout, again: cmd.CommandPath() + " --wait with the same files",
	})
}

func (f runFlags) check(cmd *cobra.Command) error {
	switch {
	case f.global == "":
		return &InputError{What: "--global is missing", Next: helpOf(cmd)}
	case f.file == "":
		return &InputError{What: "--file is missing", Next: helpOf(cmd)}
	case f.timeout < 0:
		return &InputError{What: "--timeout " + f.timeout.String() + " is below zero", Next: helpOf(cmd)}
	case f.timeout > 0 && !f.wait:
		return &InputError{What: "--timeout goes with --wait", Next: helpOf(cmd)}
	default:
		return nil
	}
}

// globalMax bounds the file of a bank line, in bytes: it holds some hundred.
const globalMax = 64 << 10

// newRequest reads and controls all that a run is started with.
func newRequest(flags runFlags, now time.Time, cutOff calendar.CutOff) (workflows.ReglementRequest, error) {
	var none workflows.ReglementRequest
	transaction, err := readGlobal(flags.global)
	if err != nil {
		return none, err
	}
	path, err := filepath.Abs(flags.file)
	if err != nil {
		return none, &InputError{What: "--file " + flags.file, Next: "give the file's absolute path", Err: err}
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return none, &InputError{What: "--file " + path + " is a folder", Next: "name the CRE file in it"}
	}
	date := calendar.BusinessDate(calendar.Target{}, now)
	if flags.date != "" {
		if date, err = calendar.ParseDate(flags.date); err != nil {
			return none, err
		}
		if open := calendar.RollForward(calendar.Target{}, date); open != date {
			return none, &InputError{What: "--date " + date.String() + " is no TARGET day", Next: "the next one is " + open.String()}
		}
	}
	return workflows.ReglementRequest{
		BusinessDate: date, Transaction: transaction, File: path, CutOff: cutOff.On(date),
	}, nil
}

// readGlobal reads a bank line, and proves that its label says the same as its fields.
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
	const next = "correct the bank line: a globalTransaction as the OG-EP reference has it, " +
		"whose label holds its operation type and reference"
	if len(content) > globalMax {
		return none, &InputError{What: fmt.Sprintf("%s is longer than %d bytes", path, globalMax), Next: next}
	}
	transaction, err := ogep.ParseGlobalTransaction(content)
	if err != nil {
		return none, &InputError{What: path, Next: next, Err: err}
	}
	label, found := settlement.ParseLabel(transaction.Label)
	if !found {
		return none, &InputError{
			What: fmt.Sprintf("%s: label %q is not that of a settlement, `REM E <operationType> <seq6><yyyyMMdd>UEP`",
				path, transaction.Label),
			Next: next,
		}
	}
	if label.Reference != transaction.Reference || label.OperationType != transaction.OperationType {
		return none, &InputError{
			What: fmt.Sprintf("%s: label %q is of reference %s and operation type %s, the fields say %s and %s", path,
				transaction.Label, label.Reference, label.OperationType, transaction.Reference, transaction.OperationType),
			Next: next,
		}
	}
	if transaction.Amount <= 0 {
		return none, &InputError{
			What: path + ": amount " + euros(transaction.Amount) + " is no credit",
			Next: "a bank debit is settled by vacation-reglement-impayes",
		}
	}
	return transaction, nil
}

// started is a run that was started, or that was there before.
type started struct {
	workflowID, runID string
	before, over      bool
}

func (s started) outcome() runOutcome {
	switch {
	case s.over:
		return outcomeSettled
	case s.before:
		return outcomeRunning
	default:
		return outcomeStarted
	}
}

// start starts the run of a reference, or finds the one that is under way or
// that ended well. A failed one is followed by a new run.
func start(ctx context.Context, connection server, request workflows.ReglementRequest) (started, error) {
	id, err := vacation.NewID(vacation.ReglementTransactions, request.Transaction.Reference)
	if err != nil {
		return started{}, &InputError{What: err.Error(), Next: "correct the bank line's reference"}
	}
	run, err := connection.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                    id.String(),
		TaskQueue:             workflows.Queue,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		// A run that is there is used all the same; as an error it is told from
		// one that was started now.
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflows.ReglementTransactionsName, request)
	if err == nil {
		return started{workflowID: run.GetID(), runID: run.GetRunID()}, nil
	}
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	if !errors.As(err, &exists) {
		return started{}, fmt.Errorf("start %s: %w", id, err)
	}
	return adopt(ctx, connection, request, id.String(), exists.RunId)
}

// adopt takes the run that is there for this one's, when it has the same parameters.
func adopt(
	ctx context.Context, connection server, request workflows.ReglementRequest, workflowID, runID string,
) (started, error) {
	there := started{workflowID: workflowID, runID: runID, before: true}
	input, err := inputOf(ctx, connection, workflowID, runID)
	if err != nil {
		return started{}, err
	}
	if !bytes.Equal(input.Transaction.AppendJSON(nil), request.Transaction.AppendJSON(nil)) {
		return started{}, conflict(request, "is there with another bank line: "+difference(input.Transaction, request.Transaction))
	}
	description, err := connection.DescribeWorkflowExecution(ctx, workflowID, runID)
	if err != nil {
		return started{}, fmt.Errorf("look at %s: %w", workflowID, err)
	}
	there.over = description.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	if there.over {
		return there, sameFile(ctx, connection, request, there)
	}
	if input.File != request.File {
		return started{}, conflict(request, "is under way with another file, "+input.File)
	}
	return there, nil
}

// inputOf is what a run was started with.
func inputOf(ctx context.Context, connection server, workflowID, runID string) (workflows.ReglementRequest, error) {
	var input workflows.ReglementRequest
	history := connection.GetWorkflowHistory(ctx, workflowID, runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := history.Next()
	if err != nil {
		return input, fmt.Errorf("read the parameters of %s: %w", workflowID, err)
	}
	err = connection.decode(first.GetWorkflowExecutionStartedEventAttributes().GetInput(), &input)
	if err != nil {
		return input, fmt.Errorf("read the parameters of %s: %w", workflowID, err)
	}
	return input, nil
}

// sameFile refuses a file whose content is not the one that the reference was
// settled from. A file that is no longer there is not asked for.
func sameFile(ctx context.Context, connection server, request workflows.ReglementRequest, there started) error {
	sum, err := sumOf(request.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &InputError{What: err.Error(), Next: "name a file that you may read"}
	}
	var totals vacation.Totals
	if err := connection.GetWorkflow(ctx, there.workflowID, there.runID).Get(ctx, &totals); err != nil {
		return fmt.Errorf("read the result of %s: %w", there.workflowID, err)
	}
	if sum != totals.FileSHA256 {
		return conflict(request, fmt.Sprintf("was settled from another file (sha256 %.12s…, this one is %.12s…)", totals.FileSHA256, sum))
	}
	return nil
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

func conflict(request workflows.ReglementRequest, why string) error {
	return &InputError{
		What: "conflict: reference " + request.Transaction.Reference + " " + why,
		Next: "nothing was started; look at it by `starter summary " + request.Transaction.Reference +
			"`, and ask the bank or the file's sender which one holds",
	}
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
