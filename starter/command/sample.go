package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/settlement"
)

// The names of a made-up day's files.
const (
	sampleMerchants = "merchants.csv"
	sampleCRE       = "Fichier.CRE.EP.TI.UEP.txt"
	sampleGlobal    = "globalTransaction.json"

	sampleUnpaids       = "Fichier.CRE.EP.TI.UEP.IMPAYES.txt"
	sampleUnpaidsGlobal = "globalTransaction.impayes.json"
)

// sampleFlags are what a day is made up from.
type sampleFlags struct {
	out, date                  string
	seed                       uint64
	lines, merchants, sequence int
	refunds, unknown, closed   int
	shortfalls                 int
	unpaids, represented       int
	unpaidFee                  int64
}

func newSample(s *session) *cobra.Command {
	var flags sampleFlags
	typical := sample.Typical(1, 200, 5_000, calendar.Date{}, 1)
	cmd := &cobra.Command{
		Use:   "sample --out DIR",
		Short: "Make up the files of a day: merchants, CREs, the bank lines that they explain",
		Long: `Make up the files of a day: ` + sampleMerchants + ` (ogep-merchants/1),
` + sampleCRE + ` (ogep-cre/1) and ` + sampleGlobal + `.
With --unpaids also ` + sampleUnpaids + ` and
` + sampleUnpaidsGlobal + `, under a reference of their own.
The same options make the same bytes on any machine. The merchants of a seed
are the same from day to day; lines differ by date and sequence.`,
		Example: "  starter sample --out day --lines 1000000 --merchants 10000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if flags.out == "" {
				return &InputError{What: "--out is missing", Next: "name the folder to write to, such as --out day"}
			}
			options, err := s.sampleOptions(flags)
			if err != nil {
				return err
			}
			day, err := sample.New(options)
			if err != nil {
				return &InputError{What: err.Error(), Next: helpOf(cmd)}
			}
			made, err := writeSample(flags.out, day, options.Unpaids > 0)
			if err != nil {
				return err
			}
			made.Merchants = options.Merchants
			return s.show(made)
		},
	}
	set := cmd.Flags()
	set.StringVar(&flags.out, "out", "", "folder to write to, made when it is missing")
	set.StringVar(&flags.date, "date", "", "date of the settlement, yyyy-MM-dd (default: today, or the next TARGET day)")
	set.Uint64Var(&flags.seed, "seed", typical.Seed, "other seed, other merchants and lines")
	set.IntVar(&flags.lines, "lines", typical.Lines, "lines of the CRE file")
	set.IntVar(&flags.merchants, "merchants", typical.Merchants, "payment accounts")
	set.IntVar(&flags.sequence, "sequence", typical.Sequence, "of the settlement's reference: several a day")
	set.IntVar(&flags.refunds, "refunds", typical.RefundShare, "lines that are refunds, per mille")
	set.IntVar(&flags.unknown, "unknown", typical.UnknownShare, "lines on unknown payment accounts, per mille")
	set.IntVar(&flags.closed, "closed", typical.ClosedShare, "lines on closed payment accounts, per mille")
	set.IntVar(&flags.shortfalls, "shortfalls", typical.ShortfallShare, "smaller merchants with more refunds than sales, per mille")
	set.IntVar(&flags.unpaids, "unpaids", 0, "lines of the CRE file of unpaids, which is made with one or more")
	set.IntVar(&flags.represented, "represented", typical.RepresentedShare, "unpaids that are represented and paid after all, per mille")
	set.Int64Var(&flags.unpaidFee, "unpaid-fee", int64(typical.UnpaidFee), "cents taken from the merchant for each unpaid")
	cmd.AddCommand(newSampleDay(s))
	return cmd
}

func (s *session) sampleOptions(flags sampleFlags) (sample.Options, error) {
	date := calendar.BusinessDate(calendar.Target{}, s.now())
	if flags.date != "" {
		var err error
		if date, err = calendar.ParseDate(flags.date); err != nil {
			return sample.Options{}, err
		}
	}
	return sample.Options{
		Seed: flags.seed, Merchants: flags.merchants, Lines: flags.lines, Date: date, Sequence: flags.sequence,
		RefundShare: flags.refunds, UnknownShare: flags.unknown, ClosedShare: flags.closed, ShortfallShare: flags.shortfalls,
		Unpaids: flags.unpaids, RepresentedShare: flags.represented, UnpaidFee: money.Cents(flags.unpaidFee),
	}, nil
}

func writeSample(folder string, day *sample.Day, unpaids bool) (madeSample, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return madeSample{}, &InputError{What: "--out", Next: "give an absolute path", Err: err}
	}
	const readableByAll = 0o755 // the worker may run as another user
	if err := os.MkdirAll(folder, readableByAll); err != nil {
		return madeSample{}, fmt.Errorf("make the folder: %w", err)
	}
	made := madeSample{
		MerchantsFile: filepath.Join(folder, sampleMerchants), CREFile: filepath.Join(folder, sampleCRE),
		GlobalFile: filepath.Join(folder, sampleGlobal), Reference: day.Reference(),
	}
	if err := writeWhole(made.MerchantsFile, day.WriteMerchants); err != nil {
		return madeSample{}, err
	}
	summary, err := writeExplained(made.CREFile, made.GlobalFile, day, day.WriteSettlement)
	made.Lines, made.Gross, made.Commission = summary.Lines, summary.Gross, summary.Commission
	if err != nil || !unpaids {
		return made, err
	}
	made.Unpaids = &madeUnpaids{
		Reference: day.UnpaidReference(),
		CREFile:   filepath.Join(folder, sampleUnpaids), GlobalFile: filepath.Join(folder, sampleUnpaidsGlobal),
	}
	summary, err = writeExplained(made.Unpaids.CREFile, made.Unpaids.GlobalFile, day, day.WriteUnpaids)
	made.Unpaids.Lines, made.Unpaids.Gross, made.Unpaids.Commission = summary.Lines, summary.Gross, summary.Commission
	return made, err
}

// writeExplained writes a CRE file, and the bank line that it explains.
func writeExplained(
	crePath, globalPath string, day *sample.Day, write func(io.Writer) (settlement.Summary, error),
) (settlement.Summary, error) {
	var summary settlement.Summary
	err := writeWhole(globalPath, func(global io.Writer) error {
		err := writeWhole(crePath, func(cre io.Writer) error {
			var err error
			summary, err = write(cre)
			return err
		})
		if err != nil {
			return err
		}
		return day.WriteMovement(global, &summary)
	})
	return summary, err
}

// writeWhole writes a file under another name first: who watches the folder
// never sees a part of it.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if err := write(file); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	const readableByAll = 0o644 // the worker may run as another user
	if err := file.Chmod(readableByAll); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// madeSample says what was made up, and where it is.
type madeSample struct {
	Reference     string      `json:"reference"`
	MerchantsFile string      `json:"merchantsFile"`
	CREFile       string      `json:"creFile"`
	GlobalFile    string      `json:"globalFile"`
	Merchants     int         `json:"merchants"`
	Lines         int         `json:"lines"`
	Gross         money.Cents `json:"grossCents"`
	Commission    money.Cents `json:"commissionCents"`
	// Unpaids is missing when none were asked for.
	Unpaids *madeUnpaids `json:"unpaids,omitempty"`
}

// madeUnpaids says the same of the day's unpaids.
type madeUnpaids struct {
	Reference  string      `json:"reference"`
	CREFile    string      `json:"creFile"`
	GlobalFile string      `json:"globalFile"`
	Lines      int         `json:"lines"`
	Gross      money.Cents `json:"grossCents"`
	Commission money.Cents `json:"commissionCents"`
}

func (d madeSample) writeText(t *text) {
	t.linef("reference %s: %s, gross %s, commission %s, over %s",
		d.Reference, count(d.Lines, "line"), euros(d.Gross), euros(d.Commission), count(d.Merchants, "merchant"))
	t.rows([][]string{{"merchants", d.MerchantsFile}, {"CRE", d.CREFile}, {"bank line", d.GlobalFile}})
	if d.Unpaids == nil {
		return
	}
	t.linef("reference %s: %s, gross %s, commission %s",
		d.Unpaids.Reference, count(d.Unpaids.Lines, "unpaid"), euros(d.Unpaids.Gross), euros(d.Unpaids.Commission))
	t.rows([][]string{{"CRE", d.Unpaids.CREFile}, {"bank line", d.Unpaids.GlobalFile}})
}
