package divalto

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	encashment   = "1"
	disbursement = "2"
	euro         = "EUR"
)

// finalStates gives those of cheques, transfers, SEPA transfers, international transfers and direct debits: in the portfolio
// and in the bank.
func finalStates() []string {
	return []string{"C30", "C50", "V30", "V50", "S30", "S50", "I30", "I50", "D30", "D50"}
}

var amountPattern = regexp.MustCompile(`^(\d{1,12})(?:\.(\d{1,2}))?$`)

// parseEuros reads an amount with a dot, of at most twelve digits before it.
func parseEuros(text string) (cents int64, err error) {
	parts := amountPattern.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf("montant %q illisible", text)
	}
	return strconv.ParseInt(parts[1]+(parts[2] + "00")[:2], 10, 64) //nolint:wrapcheck // digits, and few enough
}

// euros writes cents as parseEuros reads them.
func euros(cents int64) string {
	if cents%100 == 0 {
		return strconv.FormatInt(cents/100, 10)
	}
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// judge tells what an order would book, or why not. The caller holds the lock.
func (e *ERP) judge(asked *order, dossier string) ([]Booking, error) {
	if !slices.Contains(e.settings.Dossiers, dossier) {
		return nil, fmt.Errorf("dossier %q inconnu", dossier)
	}
	if len(asked.Data.Headers) == 0 {
		return nil, errors.New("EnteteReglementtb absent ou vide")
	}
	bookings := make([]Booking, 0, len(asked.Data.Headers))
	for i := range asked.Data.Headers {
		raw := asked.Data.Headers[i].Fields
		header, err := readFields(raw, headerNames())
		if err != nil {
			return nil, fmt.Errorf("entête %d : %w", i+1, err)
		}
		details, err := readDetails(raw)
		if err != nil {
			return nil, fmt.Errorf("entête %d : %w", i+1, err)
		}
		booked, err := e.judgeHeader(dossier, header, details)
		if err != nil {
			return nil, fmt.Errorf("entête %d : %w", i+1, err)
		}
		if mixed(bookings, booked) {
			return nil, fmt.Errorf("entête %d : transaction déjà remise", i+1)
		}
		bookings = append(bookings, booked)
	}
	return bookings, nil
}

// mixed tells whether an earlier header of the same request deposits the same item.
func mixed(before []Booking, booked Booking) bool {
	return slices.ContainsFunc(before, func(b Booking) bool {
		return slices.ContainsFunc(b.Items, func(item string) bool { return slices.Contains(booked.Items, item) })
	})
}

// judgeHeader tells what a header would book.
func (e *ERP) judgeHeader(dossier string, header fields, details []fields) (Booking, error) {
	booked := Booking{
		Dossier: dossier, Label: header["LIB"], ThirdParty: header["TIERS"], Currency: header["DEV"], Date: header["TRANSACDT"],
		Bank: header["BQC"], Lines: len(details),
	}
	var err error
	if booked.Cents, err = parseEuros(header["MTDEV"]); err != nil || booked.Cents == 0 {
		return booked, fmt.Errorf("MTDEV %q : un montant positif est attendu", header["MTDEV"])
	}
	if booked.Currency != euro {
		return booked, fmt.Errorf("devise %q inconnue", booked.Currency)
	}
	switch header["REGLTTYP"] {
	case encashment:
		booked.Direction = 1
	case disbursement:
		booked.Direction = 2
	default:
		return booked, fmt.Errorf("type de règlement %q inconnu", header["REGLTTYP"])
	}
	if booked.State, err = e.finalState(header); err != nil {
		return booked, err
	}
	if slices.ContainsFunc(details, func(detail fields) bool { return detail["TRANSAC"] != "" }) {
		return e.judgeDeposit(booked, details)
	}
	if booked.Bank != "" {
		return booked, errors.New("BQC sans transaction à remettre")
	}
	if err := checkDate("TRANSACDT", booked.Date); err != nil || booked.Date == "" {
		return booked, fmt.Errorf("date de transaction %q invalide", booked.Date)
	}
	if !e.knows(booked.ThirdParty) {
		return booked, fmt.Errorf("tiers %q inconnu", booked.ThirdParty)
	}
	return booked, judgeDetails(booked, details)
}

func (e *ERP) knows(thirdParty string) bool {
	return thirdParty != "" && (len(e.settings.ThirdParties) == 0 ||
		slices.ContainsFunc(e.settings.ThirdParties, func(begin string) bool { return strings.HasPrefix(thirdParty, begin) }))
}

// finalState gives the final state of a header's change of state.
func (e *ERP) finalState(header fields) (string, error) {
	change, final := header["CHGETAT"], header["ETATFIN"]
	if change == "" {
		return "", errors.New("changement d'état absent")
	}
	if len(e.settings.States) > 0 {
		of, known := e.settings.States[change]
		if !known {
			return "", fmt.Errorf("changement d'état %q inconnu", change)
		}
		if final != "" && final != of {
			return "", fmt.Errorf("état final %q : le changement d'état %q mène à %q", final, change, of)
		}
		final = of
	}
	if !slices.Contains(finalStates(), final) {
		return "", fmt.Errorf("état final %q inconnu", final)
	}
	return final, nil
}

// checkDate refuses what is neither empty nor a day, yyyyMMdd.
func checkDate(field, text string) error {
	if text == "" {
		return nil
	}
	if _, err := time.Parse("20060102", text); err != nil {
		return fmt.Errorf("%s %q : une date aaaammjj est attendue", field, text)
	}
	return nil
}

// judgeDetails refuses details that do not make up their header.
func judgeDetails(booked Booking, details []fields) error {
	var paid int64
	pieces := map[string]bool{} // those that a payment line is of
	for i, detail := range details {
		cents, err := judgeDetail(booked, detail)
		if err != nil {
			return fmt.Errorf("détail %d : %w", i+1, err)
		}
		if !difference(detail) {
			paid += cents
			pieces[piece(detail)] = true
		}
	}
	for i, detail := range details {
		if difference(detail) && (detail["PIECE"] == "" || !pieces[piece(detail)]) {
			return fmt.Errorf("détail %d : écart sans règlement de la pièce %q", i+1, detail["PIECE"])
		}
	}
	if paid != booked.Cents {
		return fmt.Errorf("total des règlements %s différent de MTDEV %s", euros(paid), euros(booked.Cents))
	}
	return nil
}

func piece(detail fields) string { return detail["PREFPIECE"] + "/" + detail["PIECE"] }

// difference tells whether a line completes an invoice instead of paying it.
func difference(detail fields) bool {
	return slices.Contains([]string{"WDR", "WDC", "WE"}, detail["NATUREOPERATION"])
}

func judgeDetail(booked Booking, detail fields) (cents int64, err error) {
	nature := detail["NATUREOPERATION"]
	if nature != "" && nature != "WAR" && nature != "WPA" && !difference(detail) {
		return 0, fmt.Errorf("nature d'opération %q inconnue", nature)
	}
	if nature == "WAR" && detail["PIECE"] != "" {
		return 0, fmt.Errorf("acompte sur la pièce %q", detail["PIECE"])
	}
	if detail["TIERS"] != booked.ThirdParty {
		return 0, fmt.Errorf("tiers %q différent de celui de l'entête", detail["TIERS"])
	}
	if detail["NOORDRE"] != "" {
		return 0, errors.New("NOORDRE sans TRANSAC")
	}
	if err := checkDate("EchOriDt", detail["ECHORIDT"]); err != nil {
		return 0, err
	}
	cents, err = parseEuros(detail["MTDEVFIN"])
	if err != nil || cents == 0 {
		return 0, fmt.Errorf("MTDEVFIN %q : un montant positif est attendu", detail["MTDEVFIN"])
	}
	return cents, nil
}

// The ends of final states: what is in the portfolio is put into the bank.
const (
	inPortfolio = "30"
	inBank      = "50"
)

// judgeDeposit tells what a remise en banque would book.
func (e *ERP) judgeDeposit(booked Booking, details []fields) (Booking, error) {
	if booked.Bank == "" {
		return booked, errors.New("remise sans banque de destination BQC")
	}
	if !strings.HasSuffix(booked.State, inBank) {
		return booked, fmt.Errorf("remise vers l'état %q", booked.State)
	}
	if err := checkDate("TRANSACDT", booked.Date); err != nil {
		return booked, err
	}
	var total int64
	for i, detail := range details {
		cents, err := e.judgeItem(booked, detail)
		if err != nil {
			return booked, fmt.Errorf("détail %d : %w", i+1, err)
		}
		total += cents
		booked.Items = append(booked.Items, detail["TRANSAC"])
	}
	if total != booked.Cents {
		return booked, fmt.Errorf("total des remises %s différent de MTDEV %s", euros(total), euros(booked.Cents))
	}
	return booked, nil
}

// judgeItem gives the amount of an item that can be deposited.
func (e *ERP) judgeItem(booked Booking, detail fields) (int64, error) {
	transaction := detail["TRANSAC"]
	item, known := e.books.find(transaction)
	switch {
	case !known || item.Dossier != booked.Dossier:
		return 0, fmt.Errorf("transaction %q inconnue", transaction)
	case e.books.deposited[transaction] != "" || slices.Contains(booked.Items, transaction):
		return 0, fmt.Errorf("transaction %q déjà remise", transaction)
	case item.State != booked.State[:1]+inPortfolio || item.Direction != booked.Direction:
		return 0, fmt.Errorf("transaction %q à l'état %q : elle ne peut pas passer à %q", transaction, item.State, booked.State)
	case detail["NOORDRE"] != "" && detail["NOORDRE"] != "1":
		return 0, fmt.Errorf("transaction %q : numéro d'ordre %q inconnu", transaction, detail["NOORDRE"])
	case detail["MTDEVFIN"] == "":
		return item.Cents, nil
	}
	cents, err := parseEuros(detail["MTDEVFIN"])
	if err != nil || cents != item.Cents {
		return 0, fmt.Errorf("transaction %q : MTDEVFIN %q différent de son montant", transaction, detail["MTDEVFIN"])
	}
	return cents, nil
}
