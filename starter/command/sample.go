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
)

// sampleFlags are what a day is made up from.
type sampleFlags struct {
	out, date                  string
	seed                       uint64
	lines, merchants, sequence int
	refunds, unknown, closed   int
	shortfalls                 int
}

func newSample(s *session) *cobra.Command {
	var flags sampleFlags
	typical := sample.Typical(1, 200, 5_000, calendar.Date{}, 1)
	cmd := &cobra.Command{
		Use:   "sample --out DIR",
		Short: "Make up the files of a day: merchants, a CRE, the bank line that it explains",
		Long: `Make up the files of a day: ` + sampleMerchants + ` (ogep-merchants/1),
` + sampleCRE + ` (ogep-cre/1) and ` + sampleGlobal + `.
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
			made, err := writeSample(flags.out, day)
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
	}, nil
}

func writeSample(folder string, day *sample.Day) (madeSample, error) {
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
	var summary settlement.Summary
	err = writeWhole(made.GlobalFile, func(global io.Writer) error {
		err := writeWhole(made.CREFile, func(cre io.Writer) error {
			var err error
			summary, err = day.WriteSettlement(cre)
			return err
		})
		if err != nil {
			return err
		}
		return day.WriteMovement(global, &summary)
	})
	made.Lines, made.Gross, made.Commission = summary.Lines, summary.Gross, summary.Commission
	return made, err
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
}

func (d madeSample) writeText(t *text) {
	t.linef("reference %s: %s, gross %s, commission %s, over %s",
		d.Reference, count(d.Lines, "line"), euros(d.Gross), euros(d.Commission), count(d.Merchants, "merchant"))
	t.rows([][]string{{"merchants", d.MerchantsFile}, {"CRE", d.CREFile}, {"bank line", d.GlobalFile}})
}
