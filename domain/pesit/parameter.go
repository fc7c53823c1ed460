package pesit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
)

// Code is the number of a parameter (PI) or of a group of them (PGI).
type Code uint8

// The parameters.
const (
	CRC                  Code = 1
	DiagnosticCode       Code = 2 // see Diagnostic
	Requester            Code = 3
	Server               Code = 4
	AccessControl        Code = 5 // password, and a new one behind it
	Version              Code = 6 // see VersionE
	Sync                 Code = 7 // see SyncOption
	FileType             Code = 11
	FileName             Code = 12
	TransferID           Code = 13
	RequestedAttributes  Code = 14
	Restarted            Code = 15
	DataCode             Code = 16
	Priority             Code = 17
	RestartPoint         Code = 18
	EndCode              Code = 19
	SyncNumber           Code = 20
	Compression          Code = 21
	Access               Code = 22
	Resynchronisation    Code = 23
	EntitySize           Code = 25 // bytes
	Watch                Code = 26 // seconds
	ByteCount            Code = 27 // of the articles, without anything around them
	ArticleCount         Code = 28
	DiagnosticComplement Code = 29
	ArticleFormat        Code = 31 // see Fixed, Variable
	ArticleLength        Code = 32 // bytes: of each article when fixed, at most when variable
	Organisation         Code = 33
	Label                Code = 37
	KeyLength            Code = 38
	KeyOffset            Code = 39
	ReservationUnit      Code = 41
	Reservation          Code = 42 // kilobytes, or articles
	Created              Code = 51 // AAMMJJhhmmss
	Extracted            Code = 52 // AAMMJJhhmmss
	Client               Code = 61
	Bank                 Code = 62
	ServerTime           Code = 64 // AAMMJJhhmmss
	Message              Code = 91
	FreeText             Code = 99
)

// The groups.
const (
	FileID               Code = 9
	LogicalAttributes    Code = 30
	PhysicalAttributes   Code = 40
	HistoricalAttributes Code = 50
)

// Values of parameters.
const (
	VersionE = 2 // of Version

	NormalPriority = 1 // of Priority

	ASCII  = 0 // of DataCode
	EBCDIC = 1
	Binary = 2 // the content goes as it is

	WriteAccess = 0 // of Access
	ReadAccess  = 1

	// AllAttributes asks for logical, physical and historical ones, of RequestedAttributes.
	AllAttributes = 0x07

	Fixed    = 0x00 // of ArticleFormat
	Variable = 0x80

	CancelledByServer    = 12 // of EndCode
	CancelledByRequester = 16
)

// limit is how many bytes a parameter's value may have. What is not known is
// bounded by its FPDU only: partners add parameters of their own.
func (c Code) limit() int {
	switch c {
	case CRC, Restarted, DataCode, Priority, EndCode, Access, Resynchronisation, RequestedAttributes,
		ArticleFormat, Organisation, ReservationUnit:
		return 1
	case Version, FileType, Compression, EntitySize, Watch, ArticleLength, KeyLength, KeyOffset:
		return 2
	case DiagnosticCode, Sync, TransferID, RestartPoint, SyncNumber:
		return 3
	case ArticleCount, Reservation:
		return 4
	case ByteCount:
		return 8
	case Created, Extracted, ServerTime:
		return 12
	case AccessControl:
		return 16
	case Requester, Server, Client, Bank:
		return 24
	case FileName:
		return 76
	case Label:
		return 80
	case DiagnosticComplement, FreeText:
		return 254
	case Message:
		return 4096
	default:
		return MaxFPDU
	}
}

// isGroup tells a group from a parameter.
func (c Code) isGroup() bool {
	return c == FileID || c == LogicalAttributes || c == PhysicalAttributes || c == HistoricalAttributes
}

// A Parameter is one value of an FPDU.
type Parameter struct {
	Group Code // that holds it, 0 for none
	Code  Code
	Value []byte // 1 byte at least
}

// String names the parameter, without its value: that can be a password.
func (p Parameter) String() string {
	if p.Group != 0 {
		return fmt.Sprintf("PI %d of PGI %d", p.Code, p.Group)
	}
	return fmt.Sprintf("PI %d", p.Code)
}

// GoString is String.
func (p Parameter) GoString() string { return p.String() }

// In gives the same parameter inside a group.
func (p Parameter) In(group Code) Parameter {
	p.Group = group
	return p
}

// Number makes a parameter of a number, in as few bytes as it takes.
func Number(code Code, value uint64) Parameter {
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], value)
	short := bytes.TrimLeft(wide[:7], "\x00")
	return Parameter{Code: code, Value: wide[7-len(short):]}
}

// Text makes a parameter of a text, without the blanks on its right, which mean
// nothing.
func Text(code Code, value string) Parameter {
	return Parameter{Code: code, Value: bytes.TrimRight([]byte(value), " ")}
}

// place is where the parameter stands in its FPDU: groups and parameters in
// ascending order, and so again in each group.
func (p Parameter) place() (outer, inner Code) {
	if p.Group != 0 {
		return p.Group, p.Code
	}
	return p.Code, 0
}

func inOrder(a, b Parameter) int {
	outerA, innerA := a.place()
	outerB, innerB := b.place()
	return cmp.Or(cmp.Compare(outerA, outerB), cmp.Compare(innerA, innerB))
}

// Parameters are those of one FPDU, in the order of the wire.
type Parameters []Parameter

// find gives the value of a parameter, nil when there is none.
func (ps Parameters) find(group, code Code) []byte {
	for i := range ps {
		if ps[i].Group == group && ps[i].Code == code {
			return ps[i].Value
		}
	}
	return nil
}

// anywhere gives the value of a parameter inside or outside a group.
func (ps Parameters) anywhere(code Code) []byte {
	for i := range ps {
		if ps[i].Code == code {
			return ps[i].Value
		}
	}
	return nil
}

// Has tells whether the parameter is there, in whatever group.
func (ps Parameters) Has(code Code) bool { return ps.anywhere(code) != nil }

// Number reads a number, 0 when it is not there. What is longer than eight bytes
// is not read.
func (ps Parameters) Number(code Code) uint64 {
	value := ps.anywhere(code)
	if len(value) > 8 {
		return 0
	}
	var number uint64
	for _, b := range value {
		number = number<<8 | uint64(b)
	}
	return number
}

// Text reads a text without the blanks on its right, empty when it is not there.
// It is the partner's: not to be trusted, nor to be logged.
func (ps Parameters) Text(code Code) string {
	return string(bytes.TrimRight(ps.anywhere(code), " "))
}

// Diagnostic reads what became of a request, [Success] when nothing is said.
func (ps Parameters) Diagnostic() Diagnostic {
	value := ps.find(0, DiagnosticCode)
	if len(value) != diagnosticBytes {
		return Success
	}
	return Diagnostic{Type: value[0], Reason: binary.BigEndian.Uint16(value[1:])}
}

// SyncOption reads how points of synchronisation were agreed on, the zero
// option, which is none, when nothing is said.
func (ps Parameters) SyncOption() SyncOption {
	value := ps.find(0, Sync)
	if len(value) != syncBytes {
		return SyncOption{}
	}
	return SyncOption{Interval: binary.BigEndian.Uint16(value), Window: value[2]}
}

// SyncOption says how often a sender marks how far it is.
type SyncOption struct {
	Interval uint16 // kilobytes between two points at most; 0 for no points, Undefined for as the sender likes
	Window   uint8  // how many points may be ahead of their acknowledgement; 0 for points that nobody acknowledges
}

const (
	// Undefined is an interval that leaves it to the sender.
	Undefined = 0xFFFF
	// Kilobyte is what an interval and a reservation count in, bytes.
	Kilobyte = 1024
	// MaxSyncNumber is the last number of a point of synchronisation.
	MaxSyncNumber = 999_999

	diagnosticBytes = 3
	syncBytes       = 3
)

// Parameter is the option as an FPDU has it.
func (o SyncOption) Parameter() Parameter {
	return Parameter{Code: Sync, Value: append(binary.BigEndian.AppendUint16(nil, o.Interval), o.Window)}
}

// within tells whether an answer keeps to what was proposed.
func (o SyncOption) within(proposed SyncOption) bool {
	return o.Interval == 0 || (o.Interval <= proposed.Interval && o.Window <= proposed.Window)
}

const (
	longLength   = 0xFF // says that two bytes of length follow
	shortestLong = 0xFF // what has fewer bytes says so in one
)

func appendLength(to []byte, length int) []byte {
	if length < shortestLong {
		return append(to, byte(length)) //nolint:gosec // below 255
	}
	//nolint:gosec // what is longer makes the FPDU longer than MaxFPDU, to which Append holds it
	return binary.BigEndian.AppendUint16(append(to, longLength), uint16(length))
}

func lengthBytes(length int) int {
	if length < shortestLong {
		return 1
	}
	return 3
}

// check says what is wrong with a parameter by itself.
func (p Parameter) check() string {
	switch {
	case p.Code.isGroup() || p.Code == 0:
		return "no code of a parameter"
	case p.Group != 0 && !p.Group.isGroup():
		return "no code of a group"
	case len(p.Value) == 0:
		return "empty"
	case len(p.Value) > p.Code.limit():
		return fmt.Sprintf("%d bytes, of %d at most", len(p.Value), p.Code.limit())
	case p.Code == DiagnosticCode && len(p.Value) != diagnosticBytes, p.Code == Sync && len(p.Value) != syncBytes:
		return fmt.Sprintf("%d bytes instead of 3", len(p.Value))
	default:
		return ""
	}
}

// append writes the parameters, which are in their order, behind to.
func (ps Parameters) append(to []byte, kind Kind) ([]byte, error) {
	for i := 1; i < len(ps); i++ {
		if inOrder(ps[i-1], ps[i]) >= 0 {
			return to, &FormatError{Kind: kind, Code: ps[i].Code, Reason: "not behind all smaller codes"}
		}
	}
	for i := 0; i < len(ps); {
		end := i + 1
		if group := ps[i].Group; group != 0 {
			for end < len(ps) && ps[end].Group == group {
				end++
			}
			length := 0
			for _, p := range ps[i:end] {
				length += 1 + lengthBytes(len(p.Value)) + len(p.Value)
			}
			to = appendLength(append(to, byte(group)), length)
		}
		for _, p := range ps[i:end] {
			if wrong := p.check(); wrong != "" {
				return to, &FormatError{Kind: kind, Code: p.Code, Reason: wrong}
			}
			to = append(appendLength(append(to, byte(p.Code)), len(p.Value)), p.Value...)
		}
		i = end
	}
	return to, nil
}

// reader goes through the parameters of an FPDU.
type reader struct {
	kind  Kind
	group Code
	from  []byte
	at    int // bytes of the FPDU before from
}

func (r *reader) wrong(code Code, reason string) error {
	return &FormatError{Kind: r.kind, Code: code, Offset: r.at, Reason: reason}
}

// next gives a code and what belongs to it.
func (r *reader) next() (code Code, value []byte, err error) {
	code = Code(r.from[0])
	rest := r.from[1:]
	if len(rest) == 0 {
		return 0, nil, r.wrong(code, "no length")
	}
	length, used := int(rest[0]), 1
	if length == longLength {
		if len(rest) < 3 {
			return 0, nil, r.wrong(code, "half a length")
		}
		length, used = int(binary.BigEndian.Uint16(rest[1:])), 3
		if length < shortestLong {
			return 0, nil, r.wrong(code, "a short length written long")
		}
	}
	rest = rest[used:]
	switch {
	case length == 0:
		return 0, nil, r.wrong(code, "empty")
	case length > len(rest):
		return 0, nil, r.wrong(code, fmt.Sprintf("%d bytes, where %d are left", length, len(rest)))
	}
	r.at += 1 + used + length
	r.from = rest[length:]
	return code, rest[:length], nil
}

// read gives all parameters. They are slices of what is read.
func (r *reader) read(to Parameters) (Parameters, error) {
	var last Code
	for len(r.from) > 0 {
		code, value, err := r.next()
		if err != nil {
			return nil, err
		}
		if code <= last {
			return nil, r.wrong(code, "not behind all smaller codes")
		}
		last = code
		if code.isGroup() && r.group == 0 {
			inner := &reader{kind: r.kind, group: code, from: value, at: r.at - len(value)}
			if to, err = inner.read(to); err != nil {
				return nil, err
			}
			continue
		}
		p := Parameter{Group: r.group, Code: code, Value: value}
		if wrong := p.check(); wrong != "" {
			return nil, r.wrong(code, wrong)
		}
		to = append(to, p)
	}
	return to, nil
}
