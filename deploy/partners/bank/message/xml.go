package message

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// document writes an ISO message, an element a line. The first error of the destination stays.
type document struct {
	out *bufio.Writer
}

func newDocument(out io.Writer, definition string) document {
	d := document{bufio.NewWriter(out)}
	d.raw(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Document xmlns="` + namespace + definition + `">` + "\n")

	return d
}

// close ends the document, and says whether all of it was written.
func (d document) close() error {
	d.raw("</Document>\n")

	if err := d.out.Flush(); err != nil {
		return fmt.Errorf("write a message: %w", err)
	}

	return nil
}

// raw leaves errors to close: a bufio.Writer keeps its first one.
func (d document) raw(text string) { _, _ = d.out.WriteString(text) }

// in writes an element that holds others.
func (d document) in(name string, body func()) {
	d.raw("<" + name + ">\n")
	body()
	d.raw("</" + name + ">\n")
}

// text writes an element that holds a text, unless it is empty.
func (d document) text(name, value string) {
	if value == "" {
		return
	}

	d.raw("<" + name + ">")
	_ = xml.EscapeText(d.out, []byte(value)) // an error stays in out
	d.raw("</" + name + ">\n")
}

func (d document) number(name string, value int) { d.text(name, strconv.Itoa(value)) }

func (d document) created(at time.Time) { d.text("CreDtTm", at.Format(time.RFC3339)) }

// day writes the choice of a day or a moment.
func (d document) day(name string, date calendar.Date) {
	d.in(name, func() { d.text("Dt", date.String()) })
}

// amount writes a size of money, without its sign.
func (d document) amount(name string, amount money.Cents) {
	d.raw("<" + name + ` Ccy="` + money.Currency + `">` + amount.Abs().String() + "</" + name + ">\n")
}

// direction writes the sign.
func (d document) direction(amount money.Cents) {
	if amount < 0 {
		d.text("CdtDbtInd", "DBIT")
	} else {
		d.text("CdtDbtInd", "CRDT")
	}
}

func (d document) account(iban string) {
	d.in("Acct", func() {
		d.in("Id", func() { d.text("IBAN", iban) })
		d.text("Ccy", money.Currency)
	})
}
