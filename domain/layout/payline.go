package layout

import (
	"github.com/reglo/reglo/domain/payline"
)

// The records of a Payline file, as the kinds of its marks.
const (
	paylineHeader = iota
	paylineMovement
	paylineTransfer
	paylineTrailer
)

// Payline reads the Payline files of a site. It is a payline.Layout, and may serve several files at once.
type Payline struct {
	file
}

func (c *compiler) payline() *Payline {
	compiled := &Payline{c.file(paylineSpecs())}

	switch {
	case c.descriptor.HeaderRow:
		c.refuse("headerRow", "goes with merchants only: a Payline file begins with its header")
	case len(c.descriptor.Ignore) > 0:
		c.refuse("ignore", "does not go with Payline files: each of their lines is answered")
	}

	return compiled
}

func paylineSpecs() []recordSpec {
	one := func(id payline.Field, role role, need need) spec {
		return spec{name: id.String(), id: int(id), role: role, need: need}
	}
	payment := []spec{
		one(payline.FieldAmount, roleCents, needed),
		one(payline.FieldCurrency, roleText, needed),
		one(payline.FieldLabel, roleText, optional),
		one(payline.FieldExecDate, roleDate, needed),
	}

	return []recordSpec{
		paylineHeader: {recordHeader, []spec{
			one(payline.FieldSequence, roleNumber, needed),
			one(payline.FieldDate, roleDate, needed),
		}},
		paylineMovement: {"movement", append([]spec{
			one(payline.FieldEndToEndID, roleText, needed),
			one(payline.FieldOperationCode, roleText, optional),
			one(payline.FieldDebtorCP, roleText, needed),
			one(payline.FieldCreditorCP, roleText, needed),
		}, payment...)},
		paylineTransfer: {"transfer", append([]spec{
			one(payline.FieldEndToEndID, roleText, needed),
			one(payline.FieldDebtorCP, roleText, needed),
			one(payline.FieldDebtorIBAN, roleText, optional),
			one(payline.FieldCreditorName, roleText, needed),
			one(payline.FieldCreditorBIC, roleText, optional),
			one(payline.FieldCreditorIBAN, roleText, needed),
		}, payment...)},
		paylineTrailer: {recordTrailer, []spec{
			one(payline.FieldMovements, roleNumber, needed),
			one(payline.FieldTransfers, roleNumber, needed),
			one(payline.FieldSum, roleCents, needed),
		}},
	}
}

// Decode reads one line.
func (p *Payline) Decode(text []byte, record *payline.Record) {
	var l line

	kind, refused := p.cut(text, &l)
	if refused.refused() {
		record.Refuse(payline.FieldRecord, refused.code, refused.reason)
	}

	switch kind {
	case unmarked:
		return
	case paylineHeader:
		record.Kind = payline.RecordHeader
	case paylineTrailer:
		record.Kind = payline.RecordTrailer
	case paylineMovement:
		record.Kind, record.Line.Kind = payline.RecordLine, payline.Movement
	default:
		record.Kind, record.Line.Kind = payline.RecordLine, payline.Transfer
	}

	p.decode(kind, &l, record, refused.refused())
}

// decode reads the fields of a record of a known kind: the endToEndId alone, by which the request is answered, of one that
// is refused as a whole.
func (p *Payline) decode(kind int, l *line, record *payline.Record, refusedWhole bool) {
	fields := p.records[kind].fields
	for i := range fields {
		f := &fields[i]
		id := payline.Field(f.id) //nolint:gosec // of the list above

		if refusedWhole && id != payline.FieldEndToEndID {
			continue
		}

		raw, at := f.raw(l)
		record.Place(id, at.start, at.end)

		if f.none {
			continue
		}

		if refused := f.intoPayline(id, l, raw, record); refused.refused() {
			record.Refuse(id, refused.code, refused.reason)
		}
	}
}

func (f *field) intoPayline(id payline.Field, l *line, raw []byte, record *payline.Record) (refused refusal) {
	switch id {
	case payline.FieldSequence:
		record.Header.Sequence, refused = f.number(raw)
	case payline.FieldDate:
		record.Header.Date, refused = f.date(raw)
	case payline.FieldMovements:
		record.Trailer.Movements, refused = f.number(raw)
	case payline.FieldTransfers:
		record.Trailer.Transfers, refused = f.number(raw)
	case payline.FieldSum:
		record.Trailer.Sum, refused = f.cents(l, raw)
	case payline.FieldAmount:
		record.Line.Amount, refused = f.cents(l, raw)
	case payline.FieldExecDate:
		record.Line.ExecDate, refused = f.date(raw)
	default:
		return f.intoRequest(id, raw, &record.Line)
	}

	return refused
}

// intoRequest reads a text of a request. Its keys go into the response, which is separated by semicolons; its name and
// its label do not.
func (f *field) intoRequest(id payline.Field, raw []byte, into *payline.Line) refusal {
	value, refused := f.text(raw)

	switch {
	case refused.refused():
		return refused
	case separated(value) && id != payline.FieldCreditorName && id != payline.FieldLabel:
		return errSemicolon
	}

	text := string(value)

	switch id { //nolint:exhaustive // the texts of a request
	case payline.FieldEndToEndID:
		into.EndToEndID = text
	case payline.FieldOperationCode:
		into.OperationCode = text
	case payline.FieldDebtorCP:
		into.DebtorCP = text
	case payline.FieldCreditorCP:
		into.CreditorCP = text
	case payline.FieldDebtorIBAN:
		into.DebtorIBAN = text
	case payline.FieldCreditorName:
		into.CreditorName = text
	case payline.FieldCreditorBIC:
		into.CreditorBIC = text
	case payline.FieldCreditorIBAN:
		into.CreditorIBAN = text
	case payline.FieldCurrency:
		into.Currency = text
	case payline.FieldLabel:
		into.Label = text
	}

	return refusal{}
}
