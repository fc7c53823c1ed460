// Package bankfile tells the formats of files that go to and come from a bank apart, by what is in them: neither a file's
// name nor where it stands says what it is.
package bankfile

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/reglo/reglo/domain/iso20022"
)

// Format is the format of a file: the definition of an ISO 20022 message, such as "camt.053.001.08", or the name of a CFONB
// layout. An XML document of ISO 20022 has its definition as format whether anybody here reads it or not.
type Format string

// The CFONB layouts, named by the length of their records.
const (
	CFONB120 Format = "CFONB 120" // statements
	CFONB160 Format = "CFONB 160" // transfers, and bills of exchange
	CFONB240 Format = "CFONB 240" // returns and advices
)

// Is tells whether the format is a message of that kind, such as "camt.053", in any variant and version.
func (f Format) Is(message string) bool { return strings.HasPrefix(string(f), message+".") }

// beginning is how much of a file is looked at, in bytes: an XML declaration, a comment, and the root with its namespaces
// fill some hundred.
const beginning = 4096

// Recognise looks at the beginning of a file and tells its format; found is false for what is none of these. It controls
// nothing else. The error is that of the source.
func Recognise(source io.Reader) (format Format, found bool, err error) {
	peeked, err := Peek(source)

	return peeked.Format, peeked.Format != "", err
}

// Peeked is a file whose beginning has been looked at. It is read from its first byte on.
type Peeked struct {
	io.Reader

	Format Format // empty for what is none of these
	Seen   int    // bytes looked at: all of a file that is shorter than some thousand
}

// Peek is [Recognise] for a file that is read on.
func Peek(source io.Reader) (Peeked, error) {
	file := bufio.NewReaderSize(source, beginning)

	first, err := file.Peek(beginning)
	if err != nil && !errors.Is(err, io.EOF) {
		return Peeked{}, fmt.Errorf("read the beginning: %w", err)
	}

	format := definition(first)
	if format == "" {
		format = layout(first)
	}

	return Peeked{Reader: file, Format: format, Seen: len(first)}, nil
}

// definition is that of an ISO 20022 document, and empty for what is none.
func definition(first []byte) Format {
	decoder := xml.NewDecoder(bytes.NewReader(first))
	// The declared encoding matters to who reads the document: the root's namespace is ASCII in all of them.
	decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }

	for {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}

		switch root := token.(type) {
		case xml.StartElement:
			name, is := strings.CutPrefix(root.Name.Space, iso20022.Namespace)
			if !is {
				return ""
			}

			return Format(name)
		case xml.Directive: // a document type: never looked into
			return ""
		}
	}
}

// layout is the CFONB layout whose first record the file begins with: its code, digits where the layout has them, and its
// length where a line ends.
func layout(first []byte) Format {
	for _, known := range []struct {
		format Format
		code   string
		length int
		digits []int // columns, from 0, that hold digits
	}{
		{CFONB120, "01", 120, []int{2, 3, 4, 5, 6, 11, 12, 13, 14, 15}}, // bank and branch
		{CFONB160, "03", 160, []int{2, 3}},                              // operation
		{CFONB240, "31", 240, nil},
	} {
		if !bytes.HasPrefix(first, []byte(known.code)) || len(first) < known.length {
			continue
		}

		end := bytes.IndexAny(first, "\r\n")
		if (end < 0 || end == known.length) && holdDigits(first, known.digits) {
			return known.format
		}
	}

	return ""
}

func holdDigits(record []byte, columns []int) bool {
	for _, column := range columns {
		if record[column] < '0' || record[column] > '9' {
			return false
		}
	}

	return true
}
