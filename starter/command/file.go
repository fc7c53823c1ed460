package command

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/delivery"
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
	group := &cobra.Command{Use: "file", Short: "Check a file of a partner or of the bank, or look into it"}
	group.AddCommand(newFileCheck(s), newFileShow(s))
	return group
}

func newFileCheck(s *session) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Run all controls over a file of a partner or of the bank, without loading it",
		Long: `Run all controls over a file, without loading it, and say what is in it. What
it is, is told by its content:

  a CRE (ogep-cre/1), a merchants' snapshot (ogep-merchants/1), a Payline file
  (ogep-payline/1);
  orders: pain.001.001.03 and .09, by the schema that orders pass before they
  leave and by the rules of SEPA; CFONB 160;
  reports on orders: pain.002.001.03 and .10;
  statements: camt.053.001.02, .04 and .08, and CFONB 120;
  notifications: camt.054.001.02 and .08;
  returns and advices: CFONB 240;
  direct debits: pain.008.001.02.

Other messages of ISO 20022, and other versions, are refused by their name. A
gzip archive, as the engine's archive keeps files, is read as what it holds.

With --layout it is a site's own file, read as that YAML descriptor says: its
first records are then printed as our own format has them. IBANs and names are
masked in all that is printed. All faults are listed with their places, the
first thousand in full. Exit code 2 when the file has any.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return s.checkFile(args[0], path)
		},
	}
	cmd.Flags().StringVar(&path, "layout", "", "YAML descriptor of the site's own file")
	return cmd
}

func (s *session) checkFile(path, described string) error {
	c, file, err := s.openCheck(path, described)
	if err != nil {
		return err
	}
	defer file.close()
	var records []checkedRecord
	if described != "" {
		c.records = &window{limit: shownRecords, emit: func(record *checkedRecord) error {
			records = append(records, *record)
			return nil
		}}
	}
	checked, err := c.content(file)
	var faults *fault.Faults
	if err != nil && !errors.As(err, &faults) {
		return fmt.Errorf("check %s: %w", path, err)
	}
	checked.File, checked.Layout, checked.Records, checked.Compressed = c.name, c.described, records, file.archive != nil
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
		switch {
		case described != "":
			next = "correct the layout, or have the file's sender correct it and send it again"
		case checked.Format != settlement.Format && faults.ByCode[fault.CodeFormat] > 0:
			next = "ask its sender for one that is read: `starter file check --help` names them"
		}
		return &InputError{What: path + ": " + count(faults.Count, "fault"), Next: next}
	}
	return nil
}

// openCheck opens a file, and says how it is to be read.
func (s *session) openCheck(path, described string) (*check, *content, error) {
	c := &check{name: filepath.Base(path), today: calendar.BusinessDate(calendar.Target{}, s.now())}
	if described != "" {
		site, err := layoutschema.Load(described)
		if err != nil {
			return nil, nil, &InputError{What: err.Error(), Next: "correct the layout there; each key is explained in the shipped examples"}
		}
		c.described, c.site = filepath.Base(described), site
	}
	file, err := openContent(path)
	return c, file, err
}

// check is the reading of one file.
type check struct {
	name      string
	today     calendar.Date // against which a Payline file's dates are held, and near which those of a CFONB 160 are
	described string        // name of the descriptor, empty for our own formats
	site      layout.Layout
	records   *window
}

// content reads a file under the controls of its format. A file of none that is
// known is read as a CRE, whose faults then say what is missing.
func (c *check) content(file *content) (checkedFile, error) {
	switch {
	case c.site.CRE != nil:
		return c.cre(file, c.site.CRE)
	case c.site.Merchants != nil:
		return c.merchants(file)
	case c.site.Payline != nil:
		return c.payline(file, c.site.Payline)
	}
	format, err := delivery.Layouts{}.Recognise(file)
	if err != nil {
		return checkedFile{}, err
	}
	switch format {
	case delivery.FormatMerchants:
		return c.merchants(file)
	case delivery.FormatPayline:
		return c.payline(file, payline.Ogep1{})
	case delivery.FormatCRE, "":
		return c.cre(file, settlement.CRE1{})
	default:
		return c.bank(file, format)
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
		return c.records.take(func() (checkedRecord, error) { return creRecord(line), nil })
	})
	return checkedFile{
		Format: settlement.Format, SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes,
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
		return c.records.take(func() (checkedRecord, error) { return merchantRecord(m) })
	}
	var summary merchant.Summary
	var err error
	if c.site.Merchants != nil {
		summary, err = merchant.ReadLayout(c.name, file, c.site.Merchants, each)
	} else {
		summary, err = merchant.Read(c.name, file, lines.Options{}, each)
	}
	return checkedFile{
		Format: merchant.Format, SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes,
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
		return c.records.take(func() (checkedRecord, error) { return paylineRecord(line), nil })
	})
	return checkedFile{
		Format: payline.Format, SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes,
		Payline: &checkedPayline{
			Sequence: summary.Sequence, Date: summary.Date.String(), Movements: summary.Movements, Transfers: summary.Transfers,
			Sum: summary.Sum, Rejected: rejected, ByCode: byCode, Rejections: faultDocuments(&summary.LineFaults),
		},
	}, err
}

// checkedFile is what the controls of a file found.
type checkedFile struct {
	File       string             `json:"file"`
	Format     string             `json:"format"`
	Layout     string             `json:"layout,omitempty"`
	Compressed bool               `json:"compressed,omitempty"` // SHA256 and Bytes are of what is in the archive
	Valid      bool               `json:"valid"`
	SHA256     string             `json:"sha256"` // empty, as Bytes is 0, where an archive could not be read to its end
	Bytes      int64              `json:"bytes"`
	CRE        *checkedCRE        `json:"cre,omitempty"`
	Merchants  *checkedMerchants  `json:"merchants,omitempty"`
	Payline    *checkedPayline    `json:"payline,omitempty"`
	Transfers  *checkedTransfers  `json:"transfers,omitempty"`
	Debits     *checkedDebits     `json:"debits,omitempty"`
	Report     *checkedReport     `json:"report,omitempty"`
	Statements *checkedStatements `json:"statements,omitempty"`
	Advices    *checkedAdvices    `json:"advices,omitempty"`
	Warnings   warnings           `json:"warnings,omitempty"`
	Records    []checkedRecord    `json:"records,omitempty"`
	FaultCount int                `json:"faultCount"`
	Faults     []faultDocument    `json:"faults,omitempty"`
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
	of := d.bank()
	if of != nil {
		rows = append(rows, of.rows()...)
	}
	size := count(d.Bytes, "byte")
	if d.Compressed {
		size += ", compressed"
	}
	t.rows(append(rows, []string{"size", size}, []string{"sha256", d.SHA256}))
	if of != nil {
		writeParts(t, of.parts())
	}
	for _, warning := range d.Warnings {
		t.linef("warning: %s", warning)
	}
	for i := range d.Records {
		d.Records[i].writeText(t)
	}
	if d.Payline != nil {
		for i := range d.Payline.Rejections {
			t.linef("%s", d.Payline.Rejections[i].text)
		}
	}
}
