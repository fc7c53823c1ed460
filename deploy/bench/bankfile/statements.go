package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/camt"
	"github.com/reglo/reglo/domain/cfonb"
	"github.com/reglo/reglo/domain/money"
)

// opening is what an account has before a statement: more than its debits.
const opening money.Cents = 1_000_000_000_00

// makeCamt has the stand-in bank write a camt.053.001.08 of one statement: of
// transfers sent, each with its detail, and in turn of transfers that came back.
func makeCamt(file *os.File, entries int) error {
	date, err := calendar.ParseDate(day)
	if err != nil {
		return fmt.Errorf("day: %w", err)
	}
	statement := message.Statement{
		ID: messageID, IBAN: french(0), Number: 1, Entries: make([]message.Entry, entries),
		Opening: message.Balance{Amount: opening, Date: date}, Closing: message.Balance{Amount: opening, Date: date},
	}
	for n := range entries {
		amount := money.Cents(n%100_000 + 1)
		detail := message.Detail{
			PaymentID: messageID, InstructionID: fmt.Sprintf("I%09d", n), EndToEndID: fmt.Sprintf("P260317%09d", n), Amount: amount,
			Creditor: message.Party{Name: fmt.Sprintf("SOCIETE D'EXEMPLE %d", n), IBAN: french(n + 1)},
		}
		entry := message.Entry{
			ID: fmt.Sprintf("B%09d", n), Label: fmt.Sprintf("REM VIR MONEXTEUR20260317%03d", n%1000), Amount: -amount,
			BookedOn: date, ValueOn: date, Kind: message.Remitted, Batch: &message.Batch{MessageID: messageID, Orders: 1},
		}
		if n%2 == 1 {
			entry.Kind, entry.Amount, entry.Batch, detail.Code = message.Returned, amount, nil, "AC04"
		}
		entry.Details = []message.Detail{detail}
		statement.Entries[n] = entry
		statement.Closing.Amount += entry.Amount
	}
	out := bufio.NewWriter(file)
	envelope := message.Envelope{Definition: message.Camt053V08, ID: messageID, CreatedAt: date.Midnight()}
	return errors.Join(message.WriteCamt053(out, envelope, statement), out.Flush())
}

// makeCFONB writes a CFONB 120 of one statement: movements of which each has two
// complements, who paid and the references, as long as the lines reach.
func makeCFONB(file *os.File, lines int) error {
	date, err := calendar.ParseDate(day)
	if err != nil {
		return fmt.Errorf("day: %w", err)
	}
	out := bufio.NewWriter(file)
	writer := cfonb.NewStatementWriter(file.Name(), out, cfonb.LF)
	if err := writer.Begin(cfonb.Account{Bank: "30003", Branch: "00001", Number: "00012345603"}, date, opening); err != nil {
		return err
	}
	const around, each = 2, 3 // lines
	for left := lines - around; left > 0; left -= each {
		movement := cfonb.Movement{
			InternalCode: "A127", Code: "05", BookedOn: date, ValueOn: date, Label: fmt.Sprintf("VIR RECU %010d", left),
			Number: fmt.Sprintf("%07d", left), Amount: money.Cents(left%100_000 + 1), Reference: fmt.Sprintf("REF%d", left),
			Complements: []cfonb.Complement{
				{Qualifier: "NPY", Text: "SOCIETE DU COMMERCE DE LYON"},
				cfonb.References(fmt.Sprintf("E2E%032d", left), "FACTURE 2024-117"),
			},
		}
		movement.Complements = movement.Complements[:min(left, each)-1]
		if err := writer.Write(&movement); err != nil {
			return err
		}
	}
	if err := writer.End(date); err != nil {
		return err
	}
	_, err = writer.Close()
	return errors.Join(err, out.Flush())
}

// read reads a file from disk by one of the ways.
func read(way, path string) (result, error) {
	ways := map[string]func(io.Reader) (int, error){
		"camt": readCamt, "tokens": readTokens, "cfonb": readCFONB, "cfonb-naive": readNaively, "scan": scan,
	}
	reader, known := ways[way]
	if !known || path == "" {
		return result{}, errUsage
	}
	file, err := os.Open(path)
	if err != nil {
		return result{}, err //nolint:wrapcheck // names the file
	}
	defer func() { _ = file.Close() }()
	about, err := file.Stat()
	if err != nil {
		return result{}, err //nolint:wrapcheck // the same
	}
	records, err := reader(file)
	return result{FileBytes: about.Size(), Records: records}, err
}

func readCamt(source io.Reader) (int, error) {
	seen := 0
	summary, err := camt.Read("statement", source, camt.Handler{Entry: func(*camt.Entry) error {
		seen++
		return nil
	}})
	if err == nil && seen != summary.Entries {
		err = fmt.Errorf("%d entries were handed over of %d", seen, summary.Entries)
	}
	return seen, err
}

// readTokens is the least that a reader of XML in Go does.
func readTokens(source io.Reader) (int, error) {
	decoder := xml.NewDecoder(source)
	for tokens := 0; ; tokens++ {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return tokens, nil
		} else if err != nil {
			return tokens, err //nolint:wrapcheck // names the line
		}
	}
}

func readCFONB(source io.Reader) (int, error) {
	seen := 0
	summary, err := cfonb.Read120("statement", source, cfonb.Options{}, cfonb.StatementHandler{
		Movement: func(movement *cfonb.Movement) error {
			seen += 1 + len(movement.Complements)
			return nil
		},
	})
	const around = 2
	if err == nil && seen+around != summary.Records {
		err = fmt.Errorf("%d lines were handed over of %d", seen, summary.Records)
	}
	return summary.Records, err
}

// scan is the least that a reader of lines does which also knows the file's SHA-256.
func scan(source io.Reader) (int, error) {
	digest := sha256.New()
	lines := bufio.NewScanner(io.TeeReader(source, digest))
	count := 0
	for lines.Scan() {
		count++
	}
	return count, lines.Err() //nolint:wrapcheck // names the file
}
