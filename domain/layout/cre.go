package layout

import (
	"encoding/hex"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/settlement"
)

// The records of a CRE file, as the kinds of its marks.
const (
	creHeader = iota
	creLine
	creTrailer
)

// CRE reads the CRE files of a site. It is a settlement.Layout, and may serve several files at once.
type CRE struct {
	file
}

// The names of the records.
const (
	recordHeader  = "header"
	recordLine    = "line"
	recordTrailer = "trailer"
)

// nameChecksum is what descriptors call settlement.FieldChecksum.
const nameChecksum = "checksum"

func (c *compiler) cre() *CRE {
	compiled := &CRE{c.file(creSpecs())}

	if c.descriptor.HeaderRow {
		c.refuse("headerRow", "goes with merchants only: a CRE file begins with its header")
	}

	if trailer := compiled.records[creTrailer].fields; trailer[0].none && trailer[1].none {
		c.refuse("records.trailer", "needs lineCount or sumGrossCents: without both, nobody could tell that lines are lost")
	}

	return compiled
}

func creSpecs() []recordSpec {
	one := func(id settlement.Field, role role, need need) spec {
		name := id.String()
		if id == settlement.FieldChecksum {
			name = nameChecksum
		}

		return spec{name: name, id: int(id), role: role, need: need, check: choices(id)}
	}

	return []recordSpec{
		creHeader: {recordHeader, []spec{
			one(settlement.FieldFileName, roleText, waivable),
			one(settlement.FieldKind, roleText, needed),
			one(settlement.FieldReference, roleText, needed),
			one(settlement.FieldOperationType, roleText, needed),
			one(settlement.FieldSettlementDate, roleDate, needed),
			one(settlement.FieldCurrency, roleText, needed),
			one(settlement.FieldCreatedAt, roleInstant, needed),
		}},
		creLine: {recordLine, []spec{
			one(settlement.FieldLineNumber, roleNumber, waivable),
			one(settlement.FieldCreID, roleText, needed),
			one(settlement.FieldAccountID, roleText, needed),
			one(settlement.FieldSiret, roleText, needed),
			one(settlement.FieldContract, roleText, optional),
			one(settlement.FieldScheme, roleText, needed),
			one(settlement.FieldType, roleText, needed),
			one(settlement.FieldGross, roleCents, needed),
			one(settlement.FieldCommission, roleCents, needed),
			one(settlement.FieldTransactionDate, roleInstant, needed),
			one(settlement.FieldValueDate, roleDate, needed),
			one(settlement.FieldAcquirerRef, roleText, optional),
			one(settlement.FieldOriginalRef, roleText, optional),
			one(settlement.FieldReasonCode, roleText, optional),
			one(settlement.FieldLabel, roleText, needed),
		}},
		creTrailer: {recordTrailer, []spec{
			one(settlement.FieldLineCount, roleNumber, waivable),
			one(settlement.FieldSumGross, roleCents, waivable),
			one(settlement.FieldSumCommission, roleCents, waivable),
			one(settlement.FieldChecksum, roleText, waivable),
		}},
	}
}

// choices gives the check of a field that has a list of values; nil for another field.
func choices(id settlement.Field) func(string) string {
	reason := listReason(id)
	if reason == "" {
		return nil
	}

	return func(value string) string {
		if choice(id, []byte(value)) == "" {
			return reason
		}

		return ""
	}
}

// listReason says what a field that has a list of values must be; nothing for another field.
func listReason(id settlement.Field) string {
	switch id {
	case settlement.FieldKind:
		return "must be TRANSACTION or IMPAYE"
	case settlement.FieldScheme:
		return "must be CB, VISA or MC"
	case settlement.FieldType:
		return "must be VENTE, REMB, IMPAYE or REPRES"
	default:
		return ""
	}
}

// choice gives the value of a list that a text is, or nothing.
func choice(id settlement.Field, text []byte) string {
	var list []string

	switch id {
	case settlement.FieldKind:
		list = []string{string(settlement.KindTransaction), string(settlement.KindImpaye)}
	case settlement.FieldScheme:
		list = []string{string(settlement.SchemeCB), string(settlement.SchemeVisa), string(settlement.SchemeMastercard)}
	default:
		list = []string{
			string(settlement.TypeVente), string(settlement.TypeRemb), string(settlement.TypeImpaye), string(settlement.TypeRepres),
		}
	}

	for _, value := range list {
		if string(text) == value {
			return value
		}
	}

	return ""
}

// Decode reads one line.
func (c *CRE) Decode(text []byte, record *settlement.Record) {
	var l line

	kind, refused := c.cut(text, &l)

	switch kind {
	case unmarked:
	case ignored:
		record.Kind = settlement.RecordIgnored

		return
	default:
		record.Kind = settlement.RecordHeader + settlement.RecordKind(kind) //nolint:gosec // one of three marks
	}

	if refused.refused() {
		record.Refuse(settlement.FieldRecord, refused.code, refused.reason)

		return
	}

	c.decode(kind, &l, record)
}

// decode reads the fields of a record of a known kind.
func (c *CRE) decode(kind int, l *line, record *settlement.Record) {
	switch kind {
	case creHeader:
		record.Header = settlement.Header{}
	case creLine:
		record.Line = settlement.Line{}
	default:
		record.Trailer = settlement.Trailer{}
	}

	fields := c.records[kind].fields
	for i := range fields {
		f := &fields[i]
		id := settlement.Field(f.id) //nolint:gosec // of the list above
		raw, at := f.raw(l)
		record.Place(id, at.start, at.end)

		if f.none {
			record.Lack(id)

			continue
		}

		var refused refusal

		switch kind {
		case creHeader:
			refused = f.intoHeader(id, raw, &record.Header)
		case creLine:
			refused = f.intoLine(id, l, raw, &record.Line)
		default:
			refused = f.intoTrailer(id, l, raw, &record.Trailer)
		}

		if refused.refused() {
			record.Refuse(id, refused.code, refused.reason)
		}
	}
}

// word reads a text that our own format can hold, one of a list where the field has one.
func (f *field) word(id settlement.Field, raw []byte) ([]byte, refusal) {
	text, refused := f.text(raw)

	switch {
	case refused.refused():
		return nil, refused
	case separated(text):
		return nil, errSemicolon
	}

	if reason := listReason(id); reason != "" && choice(id, text) == "" {
		return nil, refusal{fault.CodeUnknown, reason + ": its layout can map the site's own (values)"}
	}

	return text, refusal{}
}

func (f *field) intoHeader(id settlement.Field, raw []byte, header *settlement.Header) (refused refusal) {
	if id == settlement.FieldSettlementDate {
		header.SettlementDate, refused = f.date(raw)

		return refused
	}

	if id == settlement.FieldCreatedAt {
		header.CreatedAt, refused = f.instant(raw)

		return refused
	}

	text, refused := f.word(id, raw)

	switch id { //nolint:exhaustive // the texts of a header
	case settlement.FieldFileName:
		header.FileName = string(text)
	case settlement.FieldKind:
		header.Kind = settlement.FileKind(text)
	case settlement.FieldReference:
		header.Reference = string(text)
	case settlement.FieldOperationType:
		header.OperationType = string(text)
	case settlement.FieldCurrency:
		header.Currency = string(text)
	}

	return refused
}

func (f *field) intoLine(id settlement.Field, l *line, raw []byte, into *settlement.Line) (refused refusal) {
	switch id {
	case settlement.FieldLineNumber:
		into.Number, refused = f.number(raw)
	case settlement.FieldGross:
		into.Gross, refused = f.cents(l, raw)
	case settlement.FieldCommission:
		into.Commission, refused = f.cents(l, raw)
	case settlement.FieldTransactionDate:
		into.TransactionAt, refused = f.instant(raw)
	case settlement.FieldValueDate:
		into.ValueDate, refused = f.date(raw)
	default:
		var text []byte

		text, refused = f.word(id, raw)
		textInto(id, text, into)
	}

	return refused
}

// textInto puts a text into a line.
func textInto(id settlement.Field, text []byte, into *settlement.Line) {
	switch id { //nolint:exhaustive // the texts of a line
	case settlement.FieldCreID:
		into.CreID = text
	case settlement.FieldAccountID:
		into.AccountID = text
	case settlement.FieldSiret:
		into.Siret = text
	case settlement.FieldContract:
		into.Contract = text
	case settlement.FieldScheme:
		into.Scheme = settlement.Scheme(choice(id, text))
	case settlement.FieldType:
		into.Type = settlement.LineType(choice(id, text))
	case settlement.FieldAcquirerRef:
		into.AcquirerRef = text
	case settlement.FieldOriginalRef:
		into.OriginalRef = text
	case settlement.FieldReasonCode:
		into.ReasonCode = text
	case settlement.FieldLabel:
		into.Label = text
	}
}

func (f *field) intoTrailer(id settlement.Field, l *line, raw []byte, trailer *settlement.Trailer) (refused refusal) {
	switch id {
	case settlement.FieldLineCount:
		trailer.Lines, refused = f.number(raw)
	case settlement.FieldSumGross:
		trailer.Gross, refused = f.cents(l, raw)
	case settlement.FieldSumCommission:
		trailer.Commission, refused = f.cents(l, raw)
	default:
		text, wrong := f.text(raw)
		if wrong.refused() {
			return wrong
		}

		if len(text) != hex.EncodedLen(len(trailer.Checksum)) {
			return refusal{fault.CodePattern, "must be a SHA-256 of 64 hexadecimal digits"}
		}

		if _, err := hex.Decode(trailer.Checksum[:], text); err != nil {
			return refusal{fault.CodePattern, "must be a SHA-256 of 64 hexadecimal digits"}
		}
	}

	return refused
}
