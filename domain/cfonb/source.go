package cfonb

import (
	"errors"
	"hash"
	"io"
	"unicode/utf8"
)

const (
	bufferSize    = 256 << 10 // many records a read, and still within a processor's second-level cache
	maxEmptyReads = 100       // as in bufio: a source that gives neither bytes nor an error is broken

	byteOrderMark = "\xef\xbb\xbf" // the UTF-8 form of U+FEFF

	// unreadable stands for a character that ISO-8859-1 has not: no record may hold it.
	unreadable = 0x00
)

// hashed is a source whose bytes are summed and counted as they are read.
type hashed struct {
	source io.Reader
	digest hash.Hash
	bytes  int64
	empty  int // reads in a row that gave nothing
}

func (h *hashed) Read(into []byte) (int, error) {
	n, err := h.source.Read(into)
	h.digest.Write(into[:n])
	h.bytes += int64(n)

	h.empty++
	if n > 0 || err != nil {
		h.empty = 0
	}

	if h.empty > maxEmptyReads {
		return 0, io.ErrNoProgress
	}

	return n, err //nolint:wrapcheck // Read of the file wraps it
}

// transcoded gives a source of UTF-8 in ISO-8859-1, one byte a character.
type transcoded struct {
	source  io.Reader
	buffer  []byte
	kept    int  // bytes at the front of the buffer that are the beginning of a character
	started bool // the byte order mark is behind
	err     error
}

func (t *transcoded) Read(into []byte) (int, error) {
	// A character of several bytes may be cut by the end of the buffer; what is read at once must fit into.
	room := t.buffer[:min(len(t.buffer), max(len(into), utf8.UTFMax))]
	if len(into) < utf8.UTFMax {
		return 0, io.ErrShortBuffer
	}

	if t.err == nil {
		n, err := t.source.Read(room[t.kept:])
		t.kept, t.err = t.kept+n, err
	}

	text, given := room[:t.kept], 0

	for len(text) > 0 && (t.err != nil || utf8.FullRune(text)) {
		char, size := utf8.DecodeRune(text)
		text = text[size:]

		switch {
		case char == '\ufeff' && !t.started:
		case char > lastLatin1 || char == utf8.RuneError && size == 1:
			into[given] = unreadable
			given++
		default:
			into[given] = byte(char) //nolint:gosec // at most lastLatin1
			given++
		}

		t.started = true
	}

	t.kept = copy(t.buffer, text)

	if given > 0 || t.err == nil {
		return given, nil
	}

	return 0, t.err
}

// window is what has been read of a source and not been given yet.
type window struct {
	source     io.Reader
	buffer     []byte
	start, end int
	drained    bool // the source has no more
	err        error
}

// rest gives what is at hand.
func (w *window) rest() []byte { return w.buffer[w.start:w.end] }

// ensure reads until that many bytes are at hand, or the source has no more. They must fit into the buffer.
func (w *window) ensure(wanted int) {
	for w.end-w.start < wanted && !w.drained && w.err == nil {
		if w.start > 0 {
			w.end = copy(w.buffer, w.rest())
			w.start = 0
		}

		n, err := w.source.Read(w.buffer[w.end:])
		w.end += n

		switch {
		case errors.Is(err, io.EOF):
			w.drained = true
		case err != nil:
			w.err = err
		}
	}
}

// drain reads the source to its end, for its sum.
func (w *window) drain() {
	for !w.drained && w.err == nil {
		w.start = w.end
		w.ensure(1)
	}

	w.start = w.end
}
