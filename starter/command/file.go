package command

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/layout"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/settlement"
	layoutschema "github.com/reglo/reglo/schemas/layout"
)

func newFile(s *session) *cobra.Command {
	group := &cobra.Command{Use: "file", Short: "Check a file that the engine is to read"}
	group.AddCommand(newFileCheck(s))
	return group
}

func newFileCheck(s *session) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Run all controls over a CRE, a merchants or a Payline file, without loading it",
		Long: `Run all controls over a file, without loading it: a CRE (ogep-cre/1), a
merchants' snapshot (ogep-merchants/1) or a Payline file (ogep-payline/1), told
apart by what is in it. With --layout it is a site's own file, read as that YAML
descriptor says: its first records are then printed as our own format has them,
IBANs and names masked. All faults are listed with their places, the first
thousand in full. Exit code 2 when the file has any.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return s.checkFile(args[0], path)
		},
	}
	cmd.Flags().StringVar(&path, "layout", "", "YAML descriptor of the site's own file")
	return cmd
}

func (s *session) checkFile(path, described string) error {
	if err := readable(path); err != nil {
		return err
	}
	c := check{name: filepath.Base(path), today: calendar.BusinessDate(calendar.Target{}, s.now())}
	if described != "" {
		site, err := layoutschema.Load(described)
		if err != nil {
			return &InputError{What: err.Error(), Next: "correct the layout there; each key is explained in the shipped examples"}
		}
		c.described, c.site = filepath.Base(described), site
	}
	file, err := os.Open(path)
	if err != nil {
		return &InputError{What: err.Error()}
	}
	defer func() { _ = file.Close() }()

	checked, err := c.content(file)
	var faults *fault.Faults
	if err != nil && !errors.As(err, &faults) {
		return fmt.Errorf("read %s: %w", path, err)
	}
	checked.File, checked.Layout, checked.Records = c.name, c.described, c.records
	checked.Valid = faults == nil
	if faults != nil {
		checked.FaultCount = faults.Count
		checked.Faults = faultDocuments(faults)
	}
	if err := s.show(checked); err != nil {
		return err
	}
	if faults != nil {
		next := "have its sender correct it and send it again"
		if described != "" {
			next = "correct the layout, or have the file's sender correct it and send it again"
		}
		return &InputError{What: path + ": " + count(faults.Count, "fault"), Next: next}
	}
	return nil
}

// The formats that are recognised.
const (
	formatCRE       = settlement.Format
	formatMerchants = merchant.Format
	formatPayline   = payline.Format
)

// check is the reading of one file.
type check struct {
	name      string
	today     calendar.Date // against which a Payline file's dates are held
	described string        // name of the descriptor, empty for our own formats
	site      layout.Layout
	records   []checkedRecord
}

// content reads a file under the controls of its format. A file of none of our
// own is read as a CRE, whose faults then say what is missing.
func (c *check) content(file io.ReadSeeker) (checkedFile, error) {
	switch {
	case c.site.CRE != nil:
		return c.cre(file, c.site.CRE)
	case c.site.Merchants != nil:
		return c.merchants(file)
	case c.site.Payline != nil:
		return c.payline(file, c.site.Payline)
	}
	first, err := bufio.NewReaderSize(file, lines.MaxLength).ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return checkedFile{}, err //nolint:wrapcheck // the caller names the file
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return checkedFile{}, err //nolint:wrapcheck // the caller names the file
	}
	switch {
	// The columns of a snapshot may stand in any order, and every one has this.
	case bytes.Contains(first, []byte("accountId")):
		return c.merchants(file)
	// The header of a Payline file is its number and its date.
	case bytes.HasPrefix(first, []byte("H;")) && bytes.Count(first, []byte{';'}) == 2:
		return c.payline(file, payline.Ogep1{})
	default:
		return c.cre(file, settlement.CRE1{})
	}
}

func (c *check) cre(file io.ReadSeeker, layout settlement.Layout) (checkedFile, error) {
	merchants := make(map[string]struct{})
	byType := make(map[settlement.LineType]int)
	summary, err := settlement.Read(c.name, file, layout, func(line *settlement.Line) error {
		if _, known := merchants[string(line.AccountID)]; !known {
			merchants[string(line.AccountID)] = struct{}{}
		}
		byType[line.Type]++
		if c.wanted() {
			c.records = append(c.records, creRecord(line))
		}
		return nil
	})
	return checkedFile{
		Format: formatCRE, SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes,
		CRE: &checkedCRE{
			Kind: summary.Kind, Reference: summary.Reference, OperationType: summary.OperationType,
			SettlementDate: summary.SettlementDate.String(), Lines: summary.Lines, ByType: byType,
			Gross: summary.Gross, Commission: summary.Commission, Accounts: len(merchants),
		},
	}, err
}

func (c *check) merchants(file io.Reader) (checkedFile, error) {
	byStatus := make(map[merchant.Status]int)
	each := func(m merchant.Merchant) error {
		byStatus[m.Status]++
		if !c.wanted() {
			return nil
		}
		record, err := merchantRecord(m)
		c.records = append(c.records, record)
		return err
	}
	var summary merchant.Summary
	var err error
	if c.site.Merchants != nil {
		summary, err = merchant.ReadLayout(c.name, file, c.site.Merchants, each)
	} else {
		summary, err = merchant.Read(c.name, file, lines.Options{}, each)
	}
	return checkedFile{
		Format: formatMerchants, SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes,
		Merchants: &checkedMerchants{Merchants: summary.Merchants, ByStatus: byStatus},
	}, err
}

func (c *check) payline(file io.Reader, layout payline.Layout) (checkedFile, error) {
	byCode := make(map[payline.Code]int)
	rejected := 0
	summary, err := payline.Read(c.name, file, layout, c.today, func(line *payline.Line) error {
		if line.Reject != "" {
			rejected++
			byCode[line.Reject]++
		}
		if c.wanted() {
			c.records = append(c.records, paylineRecord(line))
		}
		return nil
	})
	return checkedFile{
		Format: formatPayline, SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes,
		Payline: &checkedPayline{
			Sequence: summary.Sequence, Date: summary.Date.String(), Movements: summary.Movements, Transfers: summary.Transfers,
			Sum: summary.Sum, Rejected: rejected, ByCode: byCode, Rejections: faultDocuments(&summary.LineFaults),
		},
	}, err
}

// checkedFile is what the controls of a file found.
type checkedFile struct {
	File       string            `json:"file"`
	Format     string            `json:"format"`
	Layout     string            `json:"layout,omitempty"`
	Valid      bool              `json:"valid"`
	SHA256     string            `json:"sha256"`
	Bytes      int64             `json:"bytes"`
	CRE        *checkedCRE       `json:"cre,omitempty"`
	Merchants  *checkedMerchants `json:"merchants,omitempty"`
	Payline    *checkedPayline   `json:"payline,omitempty"`
	Records    []checkedRecord   `json:"records,omitempty"`
	FaultCount int               `json:"faultCount"`
	Faults     []faultDocument   `json:"faults,omitempty"`
}

// checkedCRE is what a CRE file says as a whole.
type checkedCRE struct {
	Kind           settlement.FileKind         `json:"kind"`
	Reference      string                      `json:"reference"`
	OperationType  string                      `json:"operationType"`
	SettlementDate string                      `json:"settlementDate"`
	Lines          int                         `json:"lines"`
	ByType         map[settlement.LineType]int `json:"byType"`
	Accounts       int                         `json:"accounts"`
	Gross          money.Cents                 `json:"grossCents"`
	Commission     money.Cents                 `json:"commissionCents"`
}

// checkedMerchants is what a snapshot says as a whole.
type checkedMerchants struct {
	Merchants int                     `json:"merchants"`
	ByStatus  map[merchant.Status]int `json:"byStatus"`
}

// checkedPayline is what a Payline file says as a whole. Requests that would be
// rejected do not make the file wrong.
type checkedPayline struct {
	Sequence   int                  `json:"sequence"`
	Date       string               `json:"date"`
	Movements  int                  `json:"movements"`
	Transfers  int                  `json:"transfers"`
	Sum        money.Cents          `json:"sumCents"`
	Rejected   int                  `json:"rejected"`
	ByCode     map[payline.Code]int `json:"rejectedByCode"`
	Rejections []faultDocument      `json:"rejections"`
}

// faultDocument is one fault with its place: line and column from 1, 0 for the whole.
type faultDocument struct {
	Line   int        `json:"line"`
	Column int        `json:"column"`
	Field  string     `json:"field,omitempty"`
	Value  string     `json:"value,omitempty"`
	Code   fault.Code `json:"code"`
	Reason string     `json:"reason"`
	text   string
}

func faultDocuments(faults *fault.Faults) []faultDocument {
	documents := make([]faultDocument, 0, len(faults.Faults))
	for i := range faults.Faults {
		found := &faults.Faults[i]
		documents = append(documents, faultDocument{
			Line: found.Line, Column: found.Column, Field: found.Field, Value: found.Value,
			Code: found.Code, Reason: found.Reason, text: found.Error(),
		})
	}
	return documents
}

func (d checkedFile) writeText(t *text) {
	if d.Valid || d.Layout != "" {
		d.writeFound(t)
	}
	if d.Valid {
		t.linef("valid: all controls passed")
		return
	}
	for i := range d.Faults {
		t.linef("%s", d.Faults[i].text)
	}
	if more := d.FaultCount - len(d.Faults); more > 0 {
		t.linef("… and %d more", more)
	}
}

// writeFound prints what was read, good or not.
func (d checkedFile) writeFound(t *text) {
	rows := [][]string{{"file", d.File}, {"format", d.Format}}
	if d.Layout != "" {
		rows = append(rows, []string{"layout", d.Layout})
	}
	if d.CRE != nil {
		rows = append(rows,
			[]string{"kind", string(d.CRE.Kind)},
			[]string{"reference", d.CRE.Reference},
			[]string{"operation type", d.CRE.OperationType},
			[]string{"settlement date", d.CRE.SettlementDate},
			[]string{"lines", counts(d.CRE.Lines, d.CRE.ByType) + " on " + count(d.CRE.Accounts, "payment account")},
			[]string{"gross", euros(d.CRE.Gross)},
			[]string{"commission", euros(d.CRE.Commission)})
	}
	if d.Merchants != nil {
		rows = append(rows,
			[]string{"merchants", counts(d.Merchants.Merchants, d.Merchants.ByStatus)})
	}
	if d.Payline != nil {
		rows = append(rows,
			[]string{"sequence", number(d.Payline.Sequence)},
			[]string{"date", d.Payline.Date},
			[]string{"movements", number(d.Payline.Movements)},
			[]string{"transfers", number(d.Payline.Transfers)},
			[]string{"sum", euros(d.Payline.Sum)},
			[]string{"to be rejected", counts(d.Payline.Rejected, d.Payline.ByCode)})
	}
	t.rows(append(rows, []string{"size", count(d.Bytes, "byte")}, []string{"sha256", d.SHA256}))
	for i := range d.Records {
		d.Records[i].writeText(t)
	}
	if d.Payline != nil {
		for i := range d.Payline.Rejections {
			t.linef("%s", d.Payline.Rejections[i].text)
		}
	}
}
