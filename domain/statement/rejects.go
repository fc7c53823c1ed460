package statement

import (
	"crypto/sha256"
	"io"
	"regexp"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
)

const (
	// RejectsFormat is the name of the format of the detail of a lot of rejects.
	RejectsFormat = "ogep-rejects/1"

	// MaxEndToEndID is the longest end-to-end identifier of a payout, in characters: an ISO 20022 Max35Text.
	MaxEndToEndID = 35

	rejectCodeLength = 4 // of ISO 20022's ExternalStatusReason1Code

	fieldLot        = "lot"
	fieldBulk       = "bulk"
	fieldEndToEndID = "endToEndId"
	fieldCode       = "code"
)

// Rejects is what the detail of a lot of rejects says as a whole.
type Rejects struct {
	Lot    string      // REJ<lot>-<part>, the reference of the bank line that the file explains; fit to be a vacation's key
	Bulk   string      // of the payouts, printable ASCII without spaces, at most MaxID characters; may be empty
	Lines  int         // how many payouts came back, at most MaxLines
	Sum    money.Cents // what they come to
	SHA256 [sha256.Size]byte
	Bytes  int64 // size of the file, whose identity SHA256 is
}

// Reject is one payout that came back.
type Reject struct {
	EndToEndID string      // of the payout, unique in the file: printable ASCII without spaces, 1 to MaxEndToEndID characters
	Amount     money.Cents // above zero
	Code       string      // why it came back: an ISO 20022 reason code of four characters, "AC04"
}

// ReadRejects reads the detail of a lot, of the format ogep-rejects/1, as Read does a statement.
func ReadRejects(name string, source io.Reader, each func(Reject) error) (Rejects, error) {
	var format rejectsFormat

	read, err := readFile(name, source, &format, func() error { return each(format.current) })
	if err != nil {
		return Rejects{}, err
	}

	return read.rejects(format.header), nil
}

func (s summary) rejects(header Rejects) Rejects {
	header.Lines, header.Sum, header.SHA256, header.Bytes = s.lines, s.sum, s.sha256, s.bytes

	return header
}

// rejectsFormat reads the records of ogep-rejects/1.
type rejectsFormat struct {
	header  Rejects
	current Reject
}

func (*rejectsFormat) name() string { return RejectsFormat }

func (*rejectsFormat) key() string { return fieldEndToEndID }

func (f *rejectsFormat) readHeader(r *record) {
	f.header.Lot = r.text(fieldLot, MaxID)
	if _, err := vacation.NewID(vacation.ReglementVirements, f.header.Lot); err != nil {
		r.refuse(fieldLot, fault.CodePattern, "must be made of ASCII letters, digits, '-', '_', '.' and '/'")
	}

	if r.find(fieldBulk) != nil {
		f.header.Bulk = r.graphic(fieldBulk, MaxID)
	}
}

func (f *rejectsFormat) readLine(r *record) (string, money.Cents) {
	f.current = Reject{
		EndToEndID: r.graphic(fieldEndToEndID, MaxEndToEndID), Amount: r.textAmount(fieldAmount),
		Code: r.text(fieldCode, rejectCodeLength),
	}

	if f.current.Amount <= 0 {
		r.refuse(fieldAmount, fault.CodeSign, "must be above zero")
	}

	if !rejectCodeShape.MatchString(f.current.Code) {
		r.refuse(fieldCode, fault.CodePattern, "must be four capital letters or digits")
	}

	return f.current.EndToEndID, f.current.Amount
}

// checkSum has nothing to compare with: what the lot came to is on the bank's statement.
func (*rejectsFormat) checkSum(money.Cents) *fault.Fault { return nil }

var rejectCodeShape = regexp.MustCompile(`^[A-Z0-9]{4}$`)

// RejectWriter writes a file of the format ogep-rejects/1: the header, its lines, and the trailer that they come to. The
// same lot and payouts always give the same bytes. It refuses what ReadRejects would refuse.
type RejectWriter struct {
	file   *fileWriter
	header Rejects
}

// NewRejectWriter writes the header of the detail, of which only Lot and Bulk are used. The error is a *fault.Fault, or
// that of the destination.
func NewRejectWriter(destination io.Writer, header Rejects) (*RejectWriter, error) {
	w := &RejectWriter{file: newFileWriter(destination, &rejectsFormat{}), header: header}

	err := w.file.write(struct {
		Format string `json:"format"`
		Lot    string `json:"lot"`
		Bulk   string `json:"bulk,omitempty"`
	}{RejectsFormat, header.Lot, header.Bulk})
	if err != nil {
		return nil, err
	}

	return w, nil
}

// Write writes one payout. The error is a *fault.Fault, after which nothing more may be written, or that of the
// destination.
func (w *RejectWriter) Write(reject Reject) error {
	return w.file.write(struct {
		EndToEndID string `json:"endToEndId"`
		Amount     string `json:"amount"`
		Code       string `json:"code"`
	}{reject.EndToEndID, reject.Amount.String(), reject.Code})
}

// Close writes the trailer and gives what the detail is. It does not close the destination.
func (w *RejectWriter) Close() (Rejects, error) {
	written, err := w.file.close()
	if err != nil {
		return Rejects{}, err
	}

	return written.rejects(w.header), nil
}
