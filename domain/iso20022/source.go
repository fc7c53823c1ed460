package iso20022

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/fault"
)

const (
	bufferSize     = 4 * MaxToken // several tokens a read, and always room beside the one that is being read
	maxDeclaration = 1 << 10      // a declaration has some forty bytes
	maxEmptyReads  = 100          // as in bufio: a source that gives neither bytes nor an error is broken
	latin1PerRune  = 2            // a Latin-1 character takes at most two bytes of UTF-8
	lastC1Control  = 0x9f

	byteOrderMark   = "\xef\xbb\xbf" // the UTF-8 form of U+FEFF
	declarationMark = "<?xml"
)

// What ends the bytes before their end.
var (
	errTokenTooLong = errors.New("a token is too long")
	errFileTooLong  = errors.New("the file is too long")
	errNotLatin1    = errors.New("a byte is no character of ISO-8859-1")
)

// declaration is the XML declaration, as the one instruction that a document may hold.
var declaration = regexp.MustCompile(
	`^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')` +
		`(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([A-Za-z][A-Za-z0-9._-]*)"|'([A-Za-z][A-Za-z0-9._-]*)'))?` +
		`(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>$`)

// source gives the bytes of a document to encoding/xml: in UTF-8, hashed, without the declaration, and never more of them
// for one token than MaxToken. It knows the line and the character of what it keeps.
type source struct {
	reader io.Reader
	latin1 bool

	// buffer[mark:position] is the token that is being read, buffer[position:end] what comes next. ReadByte has nothing to
	// think about before limit.
	buffer                     []byte
	mark, position, limit, end int
	base                       int64 // how many bytes came before buffer[0]

	counted, line, column int // the place of buffer[counted]

	raw    []byte // memory for bytes of ISO-8859-1
	digest hash.Hash
	bytes  int64 // how many have been read from reader
	most   int64 // and how many may be
	stop   error // what follows buffer[:end]: io.EOF, one of the errors above, or the reader's
	failed error // what ended the bytes
}

func newSource(reader io.Reader) *source {
	return &source{reader: reader, buffer: make([]byte, bufferSize), line: 1, column: 1, digest: sha256.New(), most: MaxBytes}
}

// ReadByte gives the next byte of the document.
func (s *source) ReadByte() (byte, error) {
	if s.position == s.limit {
		if s.failed = s.more(); s.failed != nil {
			return 0, s.failed
		}
	}

	char := s.buffer[s.position]
	s.position++

	return char, nil
}

// Read gives the next bytes of the document.
func (s *source) Read(into []byte) (int, error) {
	if s.position == s.limit {
		if s.failed = s.more(); s.failed != nil {
			return 0, s.failed
		}
	}

	n := copy(into, s.buffer[s.position:s.limit])
	s.position += n

	return n, nil
}

// begin has a token begin at an offset of the document.
func (s *source) begin(offset int64) {
	s.mark = int(offset - s.base)
	s.limit = min(s.end, s.mark+MaxToken)
}

// token gives what has been read of the current token.
func (s *source) token() []byte { return s.buffer[s.mark:s.position] }

// place gives the line and the character, both from 1, at an offset that is not before the last one asked for.
func (s *source) place(offset int64) (line, column int) {
	s.count(int(offset - s.base))

	return s.line, s.column
}

func (s *source) count(to int) {
	if to <= s.counted {
		return
	}

	passed := s.buffer[s.counted:to]
	s.counted = to

	if last := bytes.LastIndexByte(passed, '\n'); last >= 0 {
		s.line += bytes.Count(passed, []byte{'\n'})
		s.column = 1
		passed = passed[last+1:]
	}

	s.column += utf8.RuneCount(passed)
}

// more reads on, unless the current token is as long as a token may be.
func (s *source) more() error {
	if s.position-s.mark >= MaxToken {
		return errTokenTooLong
	}

	for s.position == s.end {
		if s.stop != nil {
			return s.stop
		}

		s.fill(len(s.buffer))
	}

	s.limit = min(s.end, s.mark+MaxToken)

	return nil
}

// fill moves the current token to the front of the buffer, and reads at most so many bytes behind what is there.
func (s *source) fill(most int) {
	s.count(s.mark)

	kept := copy(s.buffer, s.buffer[s.mark:s.end])
	s.base += int64(s.mark)
	s.counted -= s.mark
	s.position -= s.mark
	s.mark, s.end = 0, kept

	into := s.buffer[s.end:]
	if s.latin1 {
		if s.raw == nil {
			s.raw = make([]byte, bufferSize)
		}

		into = s.raw[:len(into)/latin1PerRune]
	}

	into = into[:min(len(into), most)]

	for range maxEmptyReads {
		n, err := s.reader.Read(into)
		s.take(into[:n])

		if err != nil && s.stop == nil {
			s.stop = err
		}

		if n > 0 || s.stop != nil {
			return
		}
	}

	s.stop = io.ErrNoProgress
}

// take adds what has been read behind the end of the buffer, where it may stand already.
func (s *source) take(read []byte) {
	s.bytes += int64(len(read))
	s.digest.Write(read)

	switch {
	case s.bytes > s.most:
		s.stop = errFileTooLong
	case s.latin1:
		s.decode(read)
	default:
		s.end += len(read)
	}
}

// decode adds bytes of ISO-8859-1 as UTF-8. Bytes of the second set of control characters are those of another encoding,
// most often of Windows-1252.
func (s *source) decode(read []byte) {
	for _, char := range read {
		if char >= utf8.RuneSelf && char <= lastC1Control {
			s.stop = errNotLatin1

			return
		}

		if char < utf8.RuneSelf {
			s.buffer[s.end] = char
			s.end++
		} else {
			s.end += utf8.EncodeRune(s.buffer[s.end:], rune(char))
		}
	}
}

// open reads the byte order mark and the declaration, and gives what is wrong with them.
func (s *source) open() *fault.Fault {
	for s.end < maxDeclaration && s.stop == nil {
		s.fill(maxDeclaration - s.end)
	}

	text := s.buffer[:s.end]

	switch {
	case s.end == 0 && errors.Is(s.stop, io.EOF):
		return &fault.Fault{Code: fault.CodeEmpty, Reason: "is empty"}
	case otherWidth(text):
		return &fault.Fault{
			Line: 1, Column: 1, Code: fault.CodeEncoding,
			Reason: "is in UTF-16 or UTF-32: it must be in UTF-8 or ISO-8859-1",
		}
	}

	text, marked := bytes.CutPrefix(text, []byte(byteOrderMark))
	if marked {
		s.position, s.counted = len(byteOrderMark), len(byteOrderMark) // a mark is no character of the first line
	}

	if !bytes.HasPrefix(text, []byte(declarationMark)) {
		return nil
	}

	return s.declared(text, marked)
}

// declared reads the declaration at the beginning of a text.
func (s *source) declared(text []byte, marked bool) *fault.Fault {
	before, _, ended := bytes.Cut(text, []byte("?>"))

	switch {
	case ended || s.stop == nil:
	case errors.Is(s.stop, io.EOF):
		return &fault.Fault{Line: 1, Column: 1, Code: fault.CodeTruncated, Reason: "is cut in its declaration"}
	default:
		return nil // reading on gives the error of the reader
	}

	said := text[:min(len(text), len(before)+len("?>"))]

	parts := declaration.FindSubmatch(said)
	if parts == nil {
		return &fault.Fault{
			Line: 1, Column: 1, Code: CodeSyntax,
			Reason: `must begin with a declaration as <?xml version="1.0" encoding="UTF-8"?>`,
		}
	}

	s.position += len(said)

	encoding := string(parts[1]) + string(parts[2])

	switch {
	case encoding == "" || strings.EqualFold(encoding, "UTF-8"):
		return nil
	case strings.EqualFold(encoding, "ISO-8859-1") && !marked:
		rest := bytes.Clone(s.buffer[s.position:s.end])
		s.latin1, s.end = true, s.position
		s.decode(rest)

		return nil
	}

	found := &fault.Fault{Line: 1, Column: 1, Field: "encoding", Value: fault.Printable([]byte(encoding)), Code: fault.CodeEncoding}

	found.Reason = "must be UTF-8 or ISO-8859-1"
	if marked {
		found.Reason = "is not UTF-8, whose byte order mark the file begins with"
	}

	return found
}

// otherWidth tells text of two or four bytes a character, with a byte order mark or without.
func otherWidth(text []byte) bool {
	return bytes.HasPrefix(text, []byte{0xfe, 0xff}) || bytes.HasPrefix(text, []byte{0xff, 0xfe}) ||
		len(text) > 1 && (text[0] == 0 || text[1] == 0)
}
