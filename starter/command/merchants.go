package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/layout"
)

func newMerchants(s *session) *cobra.Command {
	group := &cobra.Command{Use: "merchants", Short: "Load the merchants' daily snapshot"}
	group.AddCommand(newMerchantsLoad(s))
	return group
}

func newMerchantsLoad(s *session) *cobra.Command {
	var sequence, maxClosed int
	cmd := &cobra.Command{
		Use:   "load FILE",
		Short: "Replace the merchants by those of a snapshot (ogep-merchants/1)",
		Long: `Replace the merchants by those of a snapshot (ogep-merchants/1, or the site's
own layout where layout.merchants names one), in one transaction: new payment
accounts are opened, known ones brought up to date, those that the file leaves
out closed. A file with any fault changes nothing, and the same file again
neither.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			const percent = 100
			switch {
			case cmd.Flags().Changed("sequence") && sequence < 1:
				return &InputError{What: fmt.Sprintf("--sequence %d: snapshots are numbered from 1", sequence), Next: helpOf(cmd)}
			case maxClosed < 0 || maxClosed > percent:
				return &InputError{What: fmt.Sprintf("--max-closed %d: want a share of 0 to 100 %%", maxClosed), Next: helpOf(cmd)}
			}
			if err := readable(args[0]); err != nil {
				return err
			}
			pool, settings, err := s.database(cmd)
			if err != nil {
				return err
			}
			layouts, err := layout.Read(config.Layout{Merchants: settings.Layout.Merchants})
			if err != nil {
				return &InputError{What: err.Error(), Next: "correct the layout, and try it with `starter file check --layout`"}
			}
			result, err := merchants.Load(cmd.Context(), pool, merchants.Snapshot{
				Name: filepath.Base(args[0]), Sequence: sequence, MaxClosedPercent: maxClosed, Layout: layouts.Merchants,
				Open: func() (io.ReadCloser, error) { return os.Open(args[0]) },
			}, s.now())
			if closure, ok := errors.AsType[*merchants.ClosureError](err); ok {
				return &WaitingError{
					What: closure.Error(),
					Next: "ask the sender whether these merchants have left; if so, load it with --max-closed 100",
				}
			}
			if err != nil {
				return err
			}
			return s.show(loadedMerchants{result})
		},
	}
	cmd.Flags().IntVar(&sequence, "sequence", 0, "number of the snapshot (default: the one after the last)")
	cmd.Flags().IntVar(&maxClosed, "max-closed", merchants.MaxClosedPercent,
		"largest share of the open payment accounts that it may close, in percent")
	return cmd
}

// readable tells a file that cannot be opened before any server is asked.
func readable(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return &InputError{What: err.Error(), Next: "name a file that exists and that you may read"}
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		return &InputError{What: path + " is no file", Next: "name a file that exists and that you may read", Err: err}
	}
	return nil
}

// loadedMerchants prints what a loading did.
type loadedMerchants struct {
	merchants.Result
}

func (d loadedMerchants) writeText(t *text) {
	if d.Again {
		t.linef("snapshot %d was loaded before, on %s: nothing changed", d.Sequence, d.LoadedAt.Format(time.DateTime))
		return
	}
	t.linef("snapshot %d loaded from %s: %s, %d opened, %d closed",
		d.Sequence, d.File, count(d.Merchants, "payment account"), d.Opened, d.Closed)
}
