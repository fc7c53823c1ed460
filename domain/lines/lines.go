// Package lines cuts a text file that somebody sent into its lines: streamed, in bounded memory, with the SHA-256 of its
// bytes, and with the faults that a line can have before anybody asks what it says.
package lines

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/fault"
)

const (
	// MaxLength is the longest line, in bytes without its ending. The records of these files have some hundred characters:
	// a longer line is another kind of file, and could otherwise fill the memory.
	MaxLength = 4096

	bufferSize     = 256 << 10 // several lines a read, and still within a processor's second-level cache
	maxEmptyReads  = 100       // as in bufio: a source that gives neither bytes nor an error is broken
	latin1PerRune  = 2         // a Latin-1 character takes at most two bytes of UTF-8
	asciiDelete    = 0x7f
	firstPrintable = 0x20
	lastC1Control  = 0x9f
)

// byteOrderMark is the UTF-8 form of U+FEFF.
const byteOrderMark = "\xef\xbb\xbf"

// Encoding is how the bytes of a file stand for characters.
type Encoding uint8

// The encodings.
const (
	UTF8   Encoding = iota // UTF-8, RFC 3629
	Latin1                 // ISO 8859-1
)

// Ending is how the lines of a file end.
type Ending uint8

// The endings.
const (
	LF   Ending = iota // as on Unix
	CRLF               // as on Windows
)

// Options declares what a file's bytes are like. A file that differs is refused rather than guessed at. The zero Options
// is UTF-8 without byte order mark, lines ending in LF.
type Options struct {
	Encoding      Encoding
	Ending        Ending
	ByteOrderMark bool // the file begins with the UTF-8 byte order mark
}

// Reader gives the lines of a file one by one. It notes what is wrong with them and goes on.
type Reader struct {
	source  io.Reader
	options Options
	faults  *fault.Faults

	buffer     []byte
	start, end int  // what has been read and not been given yet
	drained    bool // the source has no more
	err        error

	digest hash.Hash
	hashed int   // buffer[:hashed] is in the digest
	bytes  int64 // read from the source

	number    int    // of the current line, from 1
	lineStart int    // where it begins in the buffer
	text      []byte // what it says, in UTF-8, without its ending
	sound     bool
	decoded   []byte // memory for a line of another encoding
	endingOff bool   // a line that does not end as declared has been noted
}

// NewReader reads a file from source, from its first byte. It notes in faults what is wrong with its lines.
func NewReader(source io.Reader, options Options, faults *fault.Faults) *Reader {
	return &Reader{
		source: source, options: options, faults: faults,
		buffer: make([]byte, bufferSize), digest: sha256.New(),
	}
}

// Next goes to the next line, and tells whether there is one. An empty file is noted as a fault.
func (r *Reader) Next() bool {
	raw, long, ended, found := r.cut()
	if !found {
		if r.err == nil && r.bytes == 0 {
			r.faults.Add(fault.Fault{Reason: "is empty", Code: fault.CodeEmpty})
		}

		return false
	}

	r.number++
	r.text, r.sound = nil, false

	switch {
	case long:
		r.note(fault.CodeLineTooLong, 0, nil, "is longer than "+strconv.Itoa(MaxLength)+" bytes")
	case !ended:
		r.note(fault.CodeTruncated, 0, nil, "is cut: the last line must end with a line ending")
	default:
		if r.number == 1 {
			raw = r.cutByteOrderMark(raw)
		}

		r.text, r.sound = r.decode(r.cutEnding(raw))
	}

	return true
}

// Number gives the number of the current line in the file, from 1.
func (r *Reader) Number() int { return r.number }

// Sound tells whether the current line can be read for what it says. When not, why has been noted as a fault.
func (r *Reader) Sound() bool { return r.sound }

// Text gives a sound line in UTF-8, without its ending. The bytes are valid until the next call of Next.
func (r *Reader) Text() []byte { return r.text }

// SumBefore gives the SHA-256 of all bytes of the file before the current line, which must be sound.
func (r *Reader) SumBefore() [sha256.Size]byte {
	r.hashUpTo(r.lineStart)

	return r.sum()
}

// Sum gives the SHA-256 of what has been read as lines: of the whole file when Next has found no more.
func (r *Reader) Sum() [sha256.Size]byte {
	r.hashUpTo(r.start)

	return r.sum()
}

// Bytes gives the size of what has been read as lines: of the whole file when Next has found no more.
func (r *Reader) Bytes() int64 { return r.bytes - int64(r.end-r.start) }

// Err gives the error of the source, if it had one.
func (r *Reader) Err() error { return r.err }

// Column gives the character, from 1, at which a byte of a line stands.
func Column(text []byte, offset int) int { return utf8.RuneCount(text[:offset]) + 1 }

// Clean tells whether a text may stand in a line: UTF-8 without control characters.
func Clean(text []byte) bool {
	return plain(text) || utf8.Valid(text) && !bytes.ContainsFunc(text, control)
}

// cut takes the next line out of the buffer, with what ends it except the LF.
func (r *Reader) cut() (raw []byte, long, ended, found bool) {
	searched := r.start

	for {
		if i := bytes.IndexByte(r.buffer[searched:r.end], '\n'); i >= 0 {
			raw = r.buffer[r.start : searched+i]
			r.lineStart, r.start = r.start, searched+i+1

			return raw, long || tooLong(raw), true, true
		}

		if tooLong(r.buffer[r.start:r.end]) { // forget its beginning, look for its end
			long = true
			r.start = r.end
		}

		if r.drained || r.err != nil {
			raw = r.buffer[r.start:r.end]
			r.lineStart, r.start = r.start, r.end

			return raw, long, false, (long || len(raw) > 0) && r.err == nil
		}

		r.fill()
		searched = r.start
	}
}

// tooLong leaves room for the CR of a CR LF.
func tooLong(raw []byte) bool {
	return len(raw) > MaxLength && (len(raw) > MaxLength+1 || raw[MaxLength] != '\r')
}

// fill moves what has not been given yet to the front of the buffer, and reads more behind it.
func (r *Reader) fill() {
	r.hashUpTo(r.start)
	r.end = copy(r.buffer, r.buffer[r.start:r.end])
	r.start, r.hashed = 0, 0

	for range maxEmptyReads {
		n, err := r.source.Read(r.buffer[r.end:])
		r.end += n
		r.bytes += int64(n)

		switch {
		case errors.Is(err, io.EOF):
			r.drained = true

			return
		case err != nil:
			r.err = err

			return
		case n > 0:
			return
		}
	}

	r.err = io.ErrNoProgress
}

func (r *Reader) hashUpTo(end int) {
	if end > r.hashed {
		r.digest.Write(r.buffer[r.hashed:end])
		r.hashed = end
	}
}

func (r *Reader) sum() (sum [sha256.Size]byte) {
	r.digest.Sum(sum[:0])

	return sum
}

func (r *Reader) cutByteOrderMark(raw []byte) []byte {
	text, marked := bytes.CutPrefix(raw, []byte(byteOrderMark))

	switch {
	case marked && !r.options.ByteOrderMark:
		r.note(fault.CodeByteOrderMark, 0, nil,
			"begins with a byte order mark: declare it in the file's layout, or have it left out")
	case !marked && r.options.ByteOrderMark:
		r.note(fault.CodeByteOrderMark, 0, nil, "does not begin with the byte order mark that the file's layout declares")
	}

	return text
}

// cutEnding notes only the first line that does not end as declared: the others of the file are like it.
func (r *Reader) cutEnding(raw []byte) []byte {
	text, returned := bytes.CutSuffix(raw, []byte{'\r'})
	if declared := r.options.Ending == CRLF; returned != declared && !r.endingOff {
		r.endingOff = true

		if returned {
			r.note(fault.CodeLineEnding, 0, nil,
				"ends in CR LF where LF is declared: declare CR LF in the file's layout, or have the file written with LF "+
					"(said once for the whole file)")
		} else {
			r.note(fault.CodeLineEnding, 0, nil,
				"ends in LF where CR LF is declared: declare LF in the file's layout, or have the file written with CR LF "+
					"(said once for the whole file)")
		}
	}

	return text
}

// decode gives a line in UTF-8, and whether all its characters may be there.
func (r *Reader) decode(raw []byte) ([]byte, bool) {
	switch {
	case plain(raw):
		return raw, true
	case r.options.Encoding == Latin1:
		return r.decodeLatin1(raw)
	default:
		return raw, r.checkUTF8(raw)
	}
}

func (r *Reader) checkUTF8(raw []byte) bool {
	for offset := 0; offset < len(raw); {
		char, size := utf8.DecodeRune(raw[offset:])

		switch {
		case char == utf8.RuneError && size == 1:
			r.note(fault.CodeEncoding, Column(raw, offset), raw[offset:offset+1],
				"is not UTF-8: declare the encoding in the file's layout (Latin-1?), or have the file written in UTF-8")

			return false
		case control(char):
			r.noteControl(Column(raw, offset), raw[offset:offset+size])

			return false
		}

		offset += size
	}

	return true
}

func (r *Reader) decodeLatin1(raw []byte) ([]byte, bool) {
	if r.decoded == nil {
		r.decoded = make([]byte, 0, latin1PerRune*MaxLength)
	}

	r.decoded = r.decoded[:0]

	for offset, char := range raw {
		if control(rune(char)) {
			r.noteControl(offset+1, []byte(string(rune(char))))

			return raw, false
		}

		r.decoded = utf8.AppendRune(r.decoded, rune(char))
	}

	return r.decoded, true
}

func (r *Reader) noteControl(column int, value []byte) {
	r.note(fault.CodeControl, column, value, "is a control character, which no field may hold")
}

func (r *Reader) note(code fault.Code, column int, value []byte, reason string) {
	r.faults.Add(fault.Fault{
		Line: r.number, Column: column, Value: fault.Printable(value), Reason: reason, Code: code,
	})
}

// control tells the control characters of ASCII and of ISO 8859-1 (C0, DEL, C1).
func control(char rune) bool {
	return char < firstPrintable || char >= asciiDelete && char <= lastC1Control
}

// plain tells whether a text is made of printable ASCII only, eight bytes at a time: the one test that every line pays.
// In each byte of a word, adding 0x01 sets the high bit of a DEL and subtracting 0x20 sets that of a control character.
// What is carried from byte to byte comes only from a byte that is not plain itself.
func plain(text []byte) bool {
	const (
		ones   = 0x0101010101010101
		spaces = firstPrintable * ones
		high   = 0x80 * ones
		word   = 8
	)

	var seen uint64

	for ; len(text) >= word; text = text[word:] {
		chars := binary.LittleEndian.Uint64(text)
		seen |= chars | (chars + ones) | (chars - spaces)
	}

	for _, char := range text {
		if char < firstPrintable || char >= asciiDelete {
			return false
		}
	}

	return seen&high == 0
}
