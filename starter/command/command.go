// Package command is the operator's command line: one file a command, and one
// place each for what all share: the servers' addresses, output, exit codes.
package command

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/worker/boot/config"
)

// Surroundings is what the program stands in.
type Surroundings struct {
	Out io.Writer // what was asked for
	Err io.Writer // progress, and what went wrong
	// Environ is as of [os.Environ].
	Environ []string
	Now     func() time.Time
}

// Run executes one command line, without the program's name, and returns the
// exit code. With --json the standard output holds exactly one JSON document,
// or one a line for a command that says so: a command that fails before it has
// one writes its error as {"error": …}.
func Run(ctx context.Context, args []string, around Surroundings) int {
	s := &session{out: around.Out, err: around.Err, environ: around.Environ, now: around.Now}
	root := newRoot(s) //nolint:contextcheck // a command gets its context when it is executed
	root.SetArgs(args)
	root.SetOut(around.Out)
	root.SetErr(around.Err)

	err := root.ExecuteContext(ctx)
	s.close()
	result := outcomeOf(err)
	if err == nil {
		return result.Code
	}
	if s.json && !s.shown {
		// The exit code says the rest where even this cannot be written.
		_ = s.writeJSON(struct {
			Error outcome `json:"error"`
		}{result})
	}
	result.write(around.Err)
	return result.Code
}

func newRoot(s *session) *cobra.Command {
	root := &cobra.Command{
		Use:   "starter",
		Short: "Prepare, start and look into the vacations of the settlement engine",
		Long: `Prepare, start and look into the vacations of the settlement engine.

Servers and folders are named by the environment (REGLO_…, TEMPORAL_…) or by a
YAML file (--config); ` + "`starter config`" + ` prints what is in force.

Exit codes: 0 done, 1 ended with error, 2 bad usage or input, 3 waits for an
operator or a file, 4 PostgreSQL or Temporal not reachable.`,
		Version:           readVersion().String(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	config.AddFileFlag(root.PersistentFlags())
	root.PersistentFlags().BoolVar(&s.json, "json", false, "write JSON to the standard output; amounts are cents")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &InputError{What: err.Error(), Next: helpOf(cmd)}
	})
	root.AddCommand(
		newMigrate(s), newRegister(s), newServe(s), newConfig(s), newVersion(s),
		newSample(s), newMerchants(s), newFile(s), newBooks(s), newRun(s), newDay(s), newSchedule(s), newReceive(s),
		newProgress(s), newWaiting(s), newAnswer(s), newSummary(s), newBalance(s), newDebts(s), newParked(s), newLines(s),
		newHolds(s), newPayouts(s), newBulks(s), newActs(s), newDays(s), newReceived(s), newSafeguarding(s), newERP(s), newSystemPay(s),
		newTrace(s), newVerify(s),
	)
	strict(root)
	return root
}

// strict makes a wrong command line an [InputError] in every command: a group
// wants the name of one of its commands.
func strict(cmd *cobra.Command) {
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &InputError{What: "unknown command \"" + args[0] + "\" of " + cmd.CommandPath(), Next: helpOf(cmd)}
			}
			return &InputError{What: cmd.CommandPath() + " wants one of: " + strings.Join(names(cmd), ", "), Next: helpOf(cmd)}
		}
	} else if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return &InputError{What: cmd.CommandPath() + ": " + err.Error(), Next: helpOf(cmd)}
			}
			return nil
		}
	}
	for _, child := range cmd.Commands() {
		strict(child)
	}
}

func names(cmd *cobra.Command) []string {
	var all []string
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			all = append(all, child.Name())
		}
	}
	return all
}

func helpOf(cmd *cobra.Command) string {
	return "see `" + cmd.CommandPath() + " --help`"
}
