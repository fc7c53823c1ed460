package pesit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	// HeaderBytes is the length of an FPDU's header.
	HeaderBytes = 6
	// MaxFPDU is the length of the longest FPDU, header included, and of the
	// longest entity: two bytes count them.
	MaxFPDU = 0xFFFF

	entityLengthBytes = 2
)

// FPDU is one message.
type FPDU struct {
	Kind Kind
	Dst  byte // the connection's number at who receives it, 0 when that is not known
	// Src is, for an FPDU of the connection, its number at who sends it; for a DTF
	// of several articles, how many; for others 0.
	Src        byte
	Parameters Parameters // in ascending order; none in an FPDU of content
	Data       []byte     // of an FPDU of content only, see FPDU.Articles
}

// New makes an FPDU of parameters, in whatever order they are given.
func New(kind Kind, dst, src byte, parameters ...Parameter) FPDU {
	slices.SortStableFunc(parameters, inOrder)
	return FPDU{Kind: kind, Dst: dst, Src: src, Parameters: parameters}
}

// String is the FPDU's name. Its parameters are not for logs.
func (f FPDU) String() string { return f.Kind.String() }

// GoString is String.
func (f FPDU) GoString() string { return f.String() }

// FormatError is an FPDU that is not as the protocol wants it. It never shows a
// value: values are names and passwords.
type FormatError struct {
	Kind   Kind
	Code   Code // of the parameter, 0 when it is about the whole
	Offset int  // bytes of the FPDU that were read
	Reason string
}

// Error says what is wrong, and where.
func (e *FormatError) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("%s at byte %d: %s", e.Kind, e.Offset, e.Reason)
	}
	return fmt.Sprintf("%s at byte %d, parameter %d: %s", e.Kind, e.Offset, e.Code, e.Reason)
}

// Append writes the FPDU behind to. The error is a *FormatError.
func (f FPDU) Append(to []byte) ([]byte, error) {
	if !f.Kind.known() {
		return to, &FormatError{Kind: f.Kind, Reason: "no FPDU has that phase and type"}
	}
	begin := len(to)
	to = append(binary.BigEndian.AppendUint16(append(to, 0, 0), uint16(f.Kind)), f.Dst, f.Src)
	var err error
	switch {
	case f.Kind.IsData() && len(f.Parameters) > 0, !f.Kind.IsData() && len(f.Data) > 0:
		return to[:begin], &FormatError{Kind: f.Kind, Reason: "content and parameters do not mix"}
	case f.Kind.IsData():
		to = append(to, f.Data...)
		err = f.checkData()
	default:
		if to, err = f.Parameters.append(to, f.Kind); err == nil {
			err = f.complete()
		}
	}
	if err != nil {
		return to[:begin], err
	}
	length := len(to) - begin
	if length > MaxFPDU {
		return to[:begin], &FormatError{Kind: f.Kind, Reason: fmt.Sprintf("%d bytes, of %d at most", length, MaxFPDU)}
	}
	binary.BigEndian.PutUint16(to[begin:], uint16(length)) //nolint:gosec // MaxFPDU at most, as said before
	return to, nil
}

// complete wants the mandatory parameters.
func (f FPDU) complete() error {
	for _, wanted := range f.Kind.mandatory() {
		if f.Parameters.find(wanted.group, wanted.code) == nil {
			return &FormatError{Kind: f.Kind, Code: wanted.code, Reason: "missing"}
		}
	}
	return nil
}

// Decode reads the FPDU at the beginning of from, and gives what is behind it.
// The FPDU is made of slices of from: it takes no memory beyond a few words a
// parameter. The error is a *FormatError.
func Decode(from []byte) (f FPDU, rest []byte, err error) {
	if len(from) < HeaderBytes {
		return FPDU{}, nil, &FormatError{Offset: len(from), Reason: "less than a header"}
	}
	f = FPDU{Kind: Kind(binary.BigEndian.Uint16(from[2:])), Dst: from[4], Src: from[5]}
	length := int(binary.BigEndian.Uint16(from))
	switch {
	case !f.Kind.known():
		return FPDU{}, nil, &FormatError{Kind: f.Kind, Reason: "no FPDU has that phase and type"}
	case length < HeaderBytes || length > len(from):
		return FPDU{}, nil, &FormatError{Kind: f.Kind, Reason: fmt.Sprintf("says %d bytes, where %d are", length, len(from))}
	}
	content, rest := from[HeaderBytes:length], from[length:]
	if f.Kind.IsData() {
		f.Data = content
		err = f.checkData()
	} else {
		reading := &reader{kind: f.Kind, from: content, at: HeaderBytes}
		if f.Parameters, err = reading.read(nil); err == nil {
			err = f.complete()
		}
	}
	if err != nil {
		return FPDU{}, nil, err
	}
	return f, rest, nil
}

// DecodeEntity reads the FPDUs of an entity: one, or several that may share one.
// They are slices of the entity. The error is a *FormatError.
func DecodeEntity(entity []byte) ([]FPDU, error) {
	var all []FPDU
	for rest := entity; len(rest) > 0 || len(all) == 0; {
		f, behind, err := Decode(rest)
		if err != nil {
			return nil, err
		}
		rest = behind
		all = append(all, f)
		if (len(all) > 1 || len(rest) > 0) && !f.Kind.joins() {
			return nil, &FormatError{Kind: f.Kind, Reason: "shares its entity with another FPDU"}
		}
	}
	return all, nil
}

// AppendEntity writes an FPDU as an entity of its own behind to: its length in
// two bytes, then the FPDU. The error is a *FormatError.
func AppendEntity(to []byte, f FPDU) ([]byte, error) {
	begin := len(to)
	to, err := f.Append(append(to, 0, 0))
	if err != nil {
		return to[:begin], err
	}
	//nolint:gosec // MaxFPDU at most, as Append holds it to
	binary.BigEndian.PutUint16(to[begin:], uint16(len(to)-begin-entityLengthBytes))
	return to, nil
}

// ErrEmptyEntity is an entity without an FPDU.
var ErrEmptyEntity = errors.New("an entity of no bytes: no partner that speaks PeSIT sends that")

// ReadEntity reads the next entity into buffer, which it makes longer when it
// has to, to MaxFPDU bytes at most. The error is io.EOF when there is none, and
// [io.ErrUnexpectedEOF] when it breaks off.
func ReadEntity(from io.Reader, buffer []byte) ([]byte, error) {
	var header [entityLengthBytes]byte
	if _, err := io.ReadFull(from, header[:]); err != nil {
		return nil, err //nolint:wrapcheck // io.EOF goes as it is, and what else the connection says is named by who holds it
	}
	length := int(binary.BigEndian.Uint16(header[:]))
	if length == 0 {
		return nil, ErrEmptyEntity
	}
	entity := slices.Grow(buffer[:0], length)[:length]
	if _, err := io.ReadFull(from, entity); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return entity, nil
}
