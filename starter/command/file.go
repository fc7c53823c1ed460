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

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
)

func newFile(s *session) *cobra.Command {
	group := &cobra.Command{Use: "file", Short: "Check a file that the engine is to read"}
	group.AddCommand(newFileCheck(s))
	return group
}

func newFileCheck(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Run all controls over a CRE or a merchants file, without loading it",
		Long: `Run all controls over a file, without loading it: a CRE (ogep-cre/1) or a
merchants' snapshot (ogep-merchants/1), told apart by what is in it. All faults
are listed with their places, the first thousand in full. Exit code 2 when the
file has any.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return s.checkFile(args[0])
		},
	}
}

func (s *session) checkFile(path string) error {
	if err := readable(path); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return &InputError{What: err.Error()}
	}
	defer func() { _ = file.Close() }()

	checked, err := checkContent(filepath.Base(path), file)
	var faults *fault.Faults
	if err != nil && !errors.As(err, &faults) {
		return fmt.Errorf("read %s: %w", path, err)
	}
	checked.Valid = faults == nil
	if faults != nil {
		checked.FaultCount = faults.Count
		checked.Faults = faultDocuments(faults)
	}
	if err := s.show(checked); err != nil {
		return err
	}
	if faults != nil {
		return &InputError{
			What: path + ": " + count(faults.Count, "fault"),
			Next: "have its sender correct it and send it again",
		}
	}
	return nil
}

// The formats that are recognised.
const (
	formatCRE       = "ogep-cre/1"
	formatMerchants = merchant.Format
)

// checkContent reads a file under the controls of its format. A file of neither
// format is read as a CRE, whose faults then say what is missing.
func checkContent(name string, file io.ReadSeeker) (checkedFile, error) {
	first, err := bufio.NewReaderSize(file, lines.MaxLength).ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return checkedFile{}, err //nolint:wrapcheck // the caller names the file
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return checkedFile{}, err //nolint:wrapcheck // the caller names the file
	}
	// The columns of a snapshot may stand in any order, and every one has this.
	if bytes.Contains(first, []byte("accountId")) {
		return checkMerchants(name, file)
	}
	return checkCRE(name, file)
}

func checkCRE(name string, file io.ReadSeeker) (checkedFile, error) {
	merchants := make(map[string]struct{})
	byType := make(map[settlement.LineType]int)
	summary, err := settlement.Read(name, file, settlement.CRE1{}, func(line *settlement.Line) error {
		if _, known := merchants[string(line.AccountID)]; !known {
			merchants[string(line.AccountID)] = struct{}{}
		}
		byType[line.Type]++
		return nil
	})
	return checkedFile{
		File: name, Format: formatCRE, SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes,
		CRE: &checkedCRE{
			Kind: summary.Kind, Reference: summary.Reference, OperationType: summary.OperationType,
			SettlementDate: summary.SettlementDate.String(), Lines: summary.Lines, ByType: byType,
			Gross: summary.Gross, Commission: summary.Commission, Accounts: len(merchants),
		},
	}, err
}

func checkMerchants(name string, file io.Reader) (checkedFile, error) {
	byStatus := make(map[merchant.Status]int)
	summary, err := merchant.Read(name, file, lines.Options{}, func(m merchant.Merchant) error {
		byStatus[m.Status]++
		return nil
	})
	return checkedFile{
		File: name, Format: formatMerchants, SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes,
		Merchants: &checkedMerchants{Merchants: summary.Merchants, ByStatus: byStatus},
	}, err
}

// checkedFile is what the controls of a file found.
type checkedFile struct {
	File       string            `json:"file"`
	Format     string            `json:"format"`
	Valid      bool              `json:"valid"`
	SHA256     string            `json:"sha256"`
	Bytes      int64             `json:"bytes"`
	CRE        *checkedCRE       `json:"cre,omitempty"`
	Merchants  *checkedMerchants `json:"merchants,omitempty"`
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
	if !d.Valid {
		for i := range d.Faults {
			t.linef("%s", d.Faults[i].text)
		}
		if more := d.FaultCount - len(d.Faults); more > 0 {
			t.linef("… and %d more", more)
		}
		return
	}
	rows := [][]string{{"file", d.File}, {"format", d.Format}}
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
	t.rows(append(rows, []string{"size", count(d.Bytes, "byte")}, []string{"sha256", d.SHA256}))
	t.linef("valid: all controls passed")
}
