package ogep

import (
	"errors"
	"time"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/money"
)

// MaxFrameBytes is the largest event written or read: about 30,000 orders of 550 bytes, far above the largest remittance
// that is one bulk. The reader holds a frame in memory several times over.
const MaxFrameBytes = 16 << 20

// ErrFrameTooLarge says that an event is larger than MaxFrameBytes.
var ErrFrameTooLarge = errors.New("OG-EP event larger than 16 MiB: split its list")

// Append appends the whole event, one JSON object without a line feed. A stamp or a body that the reference does not
// allow gives a *ValidationError, and dst is returned as it came.
func Append(dst []byte, s Stamp, b Body) ([]byte, error) {
	if err := s.Validate(); err != nil {
		return dst, err
	}

	if err := b.Validate(); err != nil {
		return dst, err
	}

	start := len(dst)

	out := appendHead(dst, &s, b.Type())
	out = append(b.AppendParams(out), '}')

	if len(out)-start > MaxFrameBytes {
		return dst, ErrFrameTooLarge
	}

	return out, nil
}

// AppendFrame appends the envelope around parameters that are rendered already, a JSON array. It checks nothing: stamp,
// type and params must have passed their own checks.
func AppendFrame(dst []byte, s Stamp, t Type, params []byte) []byte {
	dst = appendHead(dst, &s, t)
	dst = append(dst, params...)

	return append(dst, '}')
}

const (
	beforeUID           = `{"source":"` + Source + `","uid":"`
	beforeCorrelationID = `","correlationId":"`
	beforeTimestamp     = `","timestamp":"`
	beforeType          = `","type":"`
	beforeParams        = `","params":`
)

// appendHead appends the envelope up to the params.
func appendHead(dst []byte, s *Stamp, t Type) []byte {
	dst = s.AppendUID(append(dst, beforeUID...))

	return appendAfterUID(dst, s, t)
}

func appendAfterUID(dst []byte, s *Stamp, t Type) []byte {
	dst = append(dst, beforeCorrelationID...)
	dst = append(dst, s.CorrelationID...)
	dst = append(dst, beforeTimestamp...)
	dst = appendTimestamp(dst, s.Instant)
	dst = append(dst, beforeType...)
	dst = append(dst, t...)

	return append(dst, beforeParams...)
}

// TransactionRenderer writes the create-account-transaction events of one instant, those of a block of postings: what they
// share is rendered once. It does not allocate when dst has room, and is not for concurrent use.
type TransactionRenderer struct {
	head               []byte // from the brace to the uid's sequence
	middle             []byte // from the uid's node to the account's identifier
	transaction, value clock
}

// NewTransactionRenderer prepares the events that share s, but for its sequence. The error is a *ValidationError.
func NewTransactionRenderer(s Stamp) (*TransactionRenderer, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}

	head := s.appendUIDInstant([]byte(beforeUID))
	middle := appendDigits(nil, s.Node, 2)
	middle = appendAfterUID(middle, &s, TypeCreateAccountTransaction)

	return &TransactionRenderer{head: head, middle: append(middle, beforeAccountID...)}, nil
}

// Append appends one event. The sequence lies between 0 and MaxSequence, a larger one wraps; no two events of the instant
// may share it. The account identifier and the times are those of a posted row and are not checked again; bytes of the
// label that are not UTF-8 become U+FFFD.
func (r *TransactionRenderer) Append(
	dst []byte, sequence int, accountID, label []byte, amount money.Cents, transactionAt, valueAt time.Time,
) []byte {
	dst = append(dst, r.head...)
	dst = appendDigits(dst, sequence, sequenceDigits)
	dst = append(dst, r.middle...)
	dst = appendString(dst, accountID)
	dst = append(dst, betweenAccountIDAndTransaction...)
	dst = append(dst, `{"label":`...)
	dst = appendString(dst, label)
	dst = appendAmount(append(dst, `,"amount":`...), amount)
	dst = append(dst, `,"transactionDate":"`...)
	dst = r.transaction.append(dst, transactionAt)
	dst = append(dst, `","valueDate":"`...)
	dst = r.value.append(dst, valueAt)

	return append(dst, `"}}]}`...)
}

const (
	beforeAccountID                = `[{"type":"input","name":"accountId","value":`
	betweenAccountIDAndTransaction = `},{"type":"input","name":"transaction","value":`
)

// appendAmount appends an amount object; its value is a plain decimal with two places.
func appendAmount(dst []byte, amount money.Cents) []byte {
	dst = append(dst, `{"currency":"`+money.Currency+`","value":`...)
	dst = amount.Append(dst)

	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string (RFC 8259): quotes, backslashes and control characters are escaped, nothing else is;
// bytes that are not UTF-8 become U+FFFD.
func appendString[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	start := 0

	for i := 0; i < len(text); {
		if isPlain(text[i]) {
			i++

			continue
		}

		if text[i] >= utf8.RuneSelf {
			size := runeSize(text[i:])
			if size > 0 {
				i += size

				continue
			}
		}

		dst = append(dst, text[start:i]...)
		dst = appendEscaped(dst, text[i])
		i++
		start = i
	}

	dst = append(dst, text[start:]...)

	return append(dst, '"')
}

func isPlain(b byte) bool { return b >= ' ' && b < utf8.RuneSelf && b != '"' && b != '\\' }

// runeSize gives the length of the UTF-8 sequence that text begins with, 0 when there is none.
func runeSize[T string | []byte](text T) int {
	var buffer [utf8.UTFMax]byte

	r, size := utf8.DecodeRune(buffer[:copy(buffer[:], text)])
	if r == utf8.RuneError && size == 1 {
		return 0
	}

	return size
}

func appendEscaped(dst []byte, b byte) []byte {
	switch b {
	case '"', '\\':
		return append(dst, '\\', b)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}

	if b >= utf8.RuneSelf {
		return utf8.AppendRune(dst, utf8.RuneError)
	}

	return append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&0xf])
}

// appendMember appends `,"name":"text"` to an object that has a member already.
func appendMember(dst []byte, name, text string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":`...)

	return appendString(dst, text)
}

func appendInstant(dst []byte, name string, t time.Time) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":"`...)
	dst = appendTimestamp(dst, t)

	return append(dst, '"')
}
