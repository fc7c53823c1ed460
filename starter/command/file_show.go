package command

import (
	"errors"

	"github.com/spf13/cobra"
)

// shownAtOnce is how many records are printed unless more are asked for.
const shownAtOnce = 50

func newFileShow(s *session) *cobra.Command {
	var layout string
	var limit, offset int
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Print the records of a file, IBANs and names masked",
		Long: `Print the records of a file, one a line, of any format that ` + "`file check`" + ` knows:
lines, merchants, payments, statements with their entries and details, blocks
with their orders, reports with what they name. IBANs and names are masked.
With --json each record is one JSON document on a line of its own. What is
printed is proved by nothing: ` + "`file check`" + ` runs the controls over the whole
file. Exit code 2 when the file is found wrong before the last record that was
asked for.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 || offset < 0 {
				return &InputError{What: "--limit must be 1 or more, and --offset 0 or more", Next: helpOf(cmd)}
			}
			return s.showFile(args[0], layout, &window{offset: offset, limit: limit, emit: s.printRecord, stops: true})
		},
	}
	cmd.Flags().StringVar(&layout, "layout", "", "YAML descriptor of the site's own file")
	cmd.Flags().IntVar(&limit, "limit", shownAtOnce, "how many records at most")
	cmd.Flags().IntVar(&offset, "offset", 0, "how many records to pass over before the first")
	return cmd
}

func (s *session) showFile(path, described string, records *window) error {
	c, file, err := s.openCheck(path, described)
	if err != nil {
		return err
	}
	defer file.close()
	c.records = records
	if _, err := c.content(file); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	switch {
	case records.more:
		s.sayf("there are more: --offset %d", records.offset+records.limit)
	case records.met <= records.offset:
		s.sayf("no more: the file has %s", count(records.met, "record"))
	}
	return nil
}

// printRecord prints one record.
func (s *session) printRecord(r *checkedRecord) error {
	if s.json {
		s.shown = true
		return s.writeJSON(r)
	}
	return s.show(r)
}

// errEnough ends the reading of a file of which no more records are wanted.
var errEnough = errors.New("no more records are wanted")

// window is which records of a file are wanted, and what becomes of them. A nil
// window wants none.
type window struct {
	offset, limit int
	stops         bool // the reading ends behind the last one
	emit          func(*checkedRecord) error

	met  int // records so far
	more bool
}

// take makes and emits a record if it is wanted.
func (w *window) take(made func() (checkedRecord, error)) error {
	if w == nil {
		return nil
	}
	w.met++
	switch {
	case w.met <= w.offset:
		return nil
	case w.met > w.offset+w.limit:
		w.more = true
		if w.stops {
			return errEnough
		}
		return nil
	}
	record, err := made()
	if err != nil {
		return err
	}
	return w.emit(&record)
}
