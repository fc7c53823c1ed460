package delivery

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/settlement"
)

// Layouts are how a site writes its own files. Where one is nil, that file is in the format of our own.
type Layouts struct {
	CRE       settlement.Layout
	Merchants merchant.Layout
	Payline   payline.Layout
}

// beginning is how much of a file is looked at for a good merchant of a site's snapshot, which has no mark: room for
// header rows, and for the longest line several times.
const beginning = 4 * lines.MaxLength

// Recognise tells a file's format by its beginning, and goes back to it. A file that is of none, and begins as files of a
// bank do, has that format: its faults then say what is wrong with it. Nothing else is controlled. The error is that of
// the source.
func (l Layouts) Recognise(source io.ReadSeeker) (Format, error) {
	first, err := peek(source)
	if err != nil {
		return "", err
	}

	if format, found, err := bankfile.Recognise(bytes.NewReader(first)); err != nil || found {
		return Format(format), err
	}

	if isXML(first) {
		return XML, nil
	}

	for _, known := range []struct {
		format Format
		is     func(first []byte, source io.ReadSeeker) (bool, error)
	}{
		{FormatMerchants, l.isMerchants},
		{FormatPayline, l.isPayline},
		{FormatCRE, l.isCRE},
	} {
		is, err := known.is(first, source)
		if _, back := source.Seek(0, io.SeekStart); err == nil && back != nil {
			err = fmt.Errorf("go to the file's beginning: %w", back)
		}

		if err != nil {
			return "", err
		}

		if is {
			return known.format, nil
		}
	}

	return Format(resembles(first)), nil
}

// peek gives the beginning of a file, and goes back to it.
func peek(source io.ReadSeeker) ([]byte, error) {
	first, err := bufio.NewReaderSize(source, lines.MaxLength).Peek(lines.MaxLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the beginning: %w", err)
	}

	if _, err := source.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("go to the file's beginning: %w", err)
	}

	return first, nil
}

// isXML tells XML by how it begins, also in UTF-16 and UTF-32.
func isXML(first []byte) bool {
	text := withoutMark(first)

	return slices.ContainsFunc([]string{"<", "\xfe\xff", "\xff\xfe", "\x00"},
		func(begins string) bool { return strings.HasPrefix(text, begins) })
}

func withoutMark(first []byte) string {
	return strings.TrimLeft(strings.TrimPrefix(string(first), "\ufeff"), " \t\r\n")
}

// The first records of CFONB files, whatever their length: code, bank and branch of 120; code and operation of 160; code,
// number, operation and date of 240.
var (
	begins120 = regexp.MustCompile(`^01\d{5}.{4}\d{5}`)
	begins160 = regexp.MustCompile(`^03\d\d.{8}`)
	begins240 = regexp.MustCompile(`^31.{6}\d\d\d{6}`)
)

// resembles is the CFONB layout as whose first record the file begins.
func resembles(first []byte) bankfile.Format {
	switch {
	case begins120.Match(first):
		return bankfile.CFONB120
	case begins160.Match(first):
		return bankfile.CFONB160
	case begins240.Match(first):
		return bankfile.CFONB240
	default:
		return ""
	}
}

// errFound ends a look at a file.
var errFound = errors.New("what was looked for is there")

// isMerchants tells a snapshot of ours by its header row, whose columns may stand in any order, and every one has this;
// a site's by a good merchant among its first lines.
func (l Layouts) isMerchants(first []byte, source io.ReadSeeker) (bool, error) {
	if l.Merchants == nil {
		line, _, _ := bytes.Cut(first, []byte{'\n'})

		return bytes.Contains(line, []byte("accountId")), nil
	}

	_, err := merchant.ReadLayout("", io.LimitReader(source, beginning), l.Merchants, func(merchant.Merchant) error { return errFound })
	if errors.Is(err, errFound) {
		return true, nil
	}

	return false, unlessRefused(err)
}

// isPayline tells a file by its header: of ours that is its number and its date.
func (l Layouts) isPayline(first []byte, source io.ReadSeeker) (bool, error) {
	if l.Payline == nil {
		line, _, _ := bytes.Cut(first, []byte{'\n'})

		return bytes.HasPrefix(line, []byte("H;")) && bytes.Count(line, []byte{';'}) == 2, nil
	}

	text, sound, err := lines.First(source, l.Payline.Text())
	if err != nil || !sound {
		return false, err
	}

	var record payline.Record

	l.Payline.Decode(text, &record)

	return record.Kind == payline.RecordHeader && record.Header.Sequence > 0, nil
}

// isCRE tells a file by a header with a reference, one of ours by the mark of its format.
func (l Layouts) isCRE(first []byte, source io.ReadSeeker) (bool, error) {
	if _, ours := l.cre().(settlement.CRE1); ours && bytes.HasPrefix(first, []byte("H;"+settlement.Format+";")) {
		return true, nil
	}

	_, found, err := settlement.ReadHeader(source, l.cre())

	return found, err
}

func (l Layouts) cre() settlement.Layout {
	if l.CRE == nil {
		return settlement.CRE1{}
	}

	return l.CRE
}
