package pesit

import (
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/reglo/reglo/domain/pesit"
)

// Faults says what goes wrong in the calls that begin after SetFaults. The zero Faults is a bank at which nothing does.
type Faults struct {
	// CutReceived cuts the connection when that many bytes have come, CutSent when that many have gone. 0 cuts none.
	CutReceived int64
	CutSent     int64
	// CutBefore are FPDUs instead of which the connection is cut: nothing is done with one that comes, and one that is to
	// go does not. CutAfter are those behind which it is cut: what came is dealt with, but not answered. So the
	// acknowledgement of TRANS.END is lost by CutAfter TRANS.END as by CutBefore ACK(TRANS.END): the file is kept.
	CutBefore []pesit.Kind
	CutAfter  []pesit.Kind
	// Silent are FPDUs that are dealt with, and then nothing is said any more.
	Silent []pesit.Kind
	// Deaf are FPDUs behind which nothing is read any more, nor said beyond an ABORT: what the partner sends piles up.
	Deaf []pesit.Kind
	// Refuse are requests that are refused; content is, by an interruption of the transfer.
	Refuse map[pesit.Kind]pesit.Diagnostic
	// KeepRefused keeps the file all the same when TRANS.END is refused.
	KeepRefused bool
	// Abort are FPDUs that are answered by an ABORT.
	Abort map[pesit.Kind]pesit.Diagnostic
	// WrongCounts acknowledges TRANS.END with one byte more than there was.
	WrongCounts bool
	// Garbage are FPDUs that are answered by what is no FPDU.
	Garbage []pesit.Kind
	// Truncate sends no more than that many bytes of a file, and counts it whole. 0 sends it whole.
	Truncate int64
	// Slow is how long each answer takes.
	Slow time.Duration
}

// errCut is a connection that a fault has cut.
var errCut = errors.New("cut on demand")

// errSilent is a call that a fault has made silent.
var errSilent = errors.New("silent on demand")

// errDeaf is a call that a fault has made deaf.
var errDeaf = errors.New("deaf on demand")

// wire is a connection that is cut at a byte.
type wire struct {
	net.Conn

	receive, send int64 // bytes that are left, below zero for no limit
	once          sync.Once
}

// limit tells how many bytes are left, below zero for as many as there are.
func limit(bytes int64) int64 {
	if bytes == 0 {
		return -1
	}

	return bytes
}

// cut ends the connection at once: what was not sent is not sent.
func (w *wire) cut() {
	w.once.Do(func() { _ = w.Close() })
}

// Read gives what comes before the cut.
func (w *wire) Read(to []byte) (int, error) {
	if w.receive < 0 {
		return w.Conn.Read(to) //nolint:wrapcheck // io.Reader's errors go as they are
	}

	if w.receive == 0 {
		w.cut()

		return 0, errCut
	}

	n, err := w.Conn.Read(to[:min(int64(len(to)), w.receive)])
	w.receive -= int64(n)

	return n, err //nolint:wrapcheck // io.Reader's errors go as they are
}

// Write sends what goes before the cut.
func (w *wire) Write(from []byte) (int, error) {
	if w.send < 0 || int64(len(from)) < w.send {
		n, err := w.Conn.Write(from)
		if w.send > 0 {
			w.send -= int64(n)
		}

		return n, err //nolint:wrapcheck // io.Writer's errors go as they are
	}

	n, _ := w.Conn.Write(from[:w.send])
	w.send = 0
	w.cut()

	return n, errCut
}

func among(kinds []pesit.Kind, kind pesit.Kind) bool { return slices.Contains(kinds, kind) }
