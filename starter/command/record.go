package command

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/settlement"
)

// shownRecords is how many records of a site's file are printed: enough to see
// that each field comes from its place.
const shownRecords = 3

// checkedRecord is a record of a file: of a site's file as our own format has it,
// of a bank's as it is. Empty fields are left out, IBANs and names masked.
type checkedRecord struct {
	Kind   string         `json:"record,omitempty"` // of a bank's file, which has several; empty otherwise
	Line   int            `json:"line,omitempty"`   // of a bank's file, on which it begins
	Fields []checkedField `json:"fields"`
}

type checkedField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (r *checkedRecord) add(name, value string) {
	if value == "" {
		return
	}
	switch name {
	case "legalName", payline.FieldCreditorName.String(), "externalName", "agent":
		value = maskName(value)
	default:
		value = iban.MaskIn(value)
		if iban.Resembles(value) && strings.HasSuffix(name, "Iban") {
			value = iban.Mask(value)
		}
	}
	r.Fields = append(r.Fields, checkedField{Name: name, Value: value})
}

// maskName keeps a name's first character, which shows that the field is the right one.
func maskName(name string) string {
	_, size := utf8.DecodeRuneInString(name)
	return name[:size] + "…"
}

func (r *checkedRecord) writeText(t *text) {
	fields := make([]string, 0, len(r.Fields))
	for _, field := range r.Fields {
		fields = append(fields, field.Name+"="+strconv.Quote(field.Value))
	}
	place := ""
	if r.Line > 0 {
		place = " of line " + number(r.Line)
	}
	t.linef("%s", strings.TrimRight(cmp.Or(r.Kind, "record")+place+": "+strings.Join(fields, " "), " "))
}

func creRecord(line *settlement.Line) (record checkedRecord) {
	// The columns of a line are its mark and its fields, in the order of their list.
	columns := strings.Split(strings.TrimSuffix(string(settlement.AppendLine(nil, line)), "\n"), ";")
	for field := settlement.FieldLineNumber; field <= settlement.FieldLabel; field++ {
		record.add(field.String(), columns[field])
	}
	return record
}

func merchantRecord(m merchant.Merchant) (record checkedRecord, err error) {
	var written bytes.Buffer
	writer, err := merchant.NewWriter(&written)
	if err != nil {
		return record, err
	}
	if err := writer.Write(&m); err != nil {
		return record, err
	}
	if err := writer.Close(); err != nil {
		return record, err
	}
	rows, err := csv.NewReader(&written).ReadAll()
	if err != nil {
		return record, fmt.Errorf("read a merchant as it was written: %w", err)
	}
	for i, name := range rows[0] {
		record.add(name, rows[1][i])
	}
	return record, nil
}

func paylineRecord(line *payline.Line) (record checkedRecord) {
	record.add("request", string(line.Kind))
	for _, field := range []struct {
		field payline.Field
		value string
	}{
		{payline.FieldEndToEndID, line.EndToEndID},
		{payline.FieldOperationCode, line.OperationCode},
		{payline.FieldDebtorCP, line.DebtorCP},
		{payline.FieldCreditorCP, line.CreditorCP},
		{payline.FieldDebtorIBAN, line.DebtorIBAN},
		{payline.FieldCreditorName, line.CreditorName},
		{payline.FieldCreditorBIC, line.CreditorBIC},
		{payline.FieldCreditorIBAN, line.CreditorIBAN},
		{payline.FieldAmount, strconv.FormatInt(int64(line.Amount), 10)},
		{payline.FieldCurrency, line.Currency},
		{payline.FieldLabel, line.Label},
		{payline.FieldExecDate, line.ExecDate.String()},
	} {
		record.add(field.field.String(), field.value)
	}
	return record
}
