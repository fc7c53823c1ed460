package payline

import "slices"

// Code is why a request, or a whole file, is rejected: an ISO 20022 ExternalStatusReason1Code. The empty Code rejects
// nothing.
type Code string

// The codes.
const (
	// CodeUnknownAccount says that a payment account is not in the merchants' snapshot. The requester corrects the
	// account and asks again under another endToEndId.
	CodeUnknownAccount Code = "AG01"
	// CodeMovementAmount says that a movement is above what the debtor account has available. The requester asks for less,
	// or waits until the account is credited.
	CodeMovementAmount Code = "AM02"
	// CodeNoCover says that a transfer is above what the debtor account has available. The requester asks for less, or
	// waits until the account is credited.
	CodeNoCover Code = "AM04"
	// CodeClosedAccount says that a payment account is closed. The requester names another one.
	CodeClosedAccount Code = "AC04"
	// CodeBlockedAccount says that the debtor account is blocked: it pays nothing out. The requester has the block lifted
	// by the EP first.
	CodeBlockedAccount Code = "AC06"
	// CodeInvalidIBAN says that an IBAN is wrong (mod 97), or that the debtor's is not that of the debtor account. The
	// requester corrects it.
	CodeInvalidIBAN Code = "AC01"
	// CodeNotEntitled says that the holder has not agreed to this kind of operation with the EP. The requester has the
	// agreement changed first.
	CodeNotEntitled Code = "AG03"
	// CodeZeroAmount says that the amount is zero. The requester corrects it.
	CodeZeroAmount Code = "AM01"
	// CodeCurrency says that the currency is not the euro. The requester asks in euros.
	CodeCurrency Code = "AM03"
	// CodeDuplicate says that the endToEndId has been used before. The requester looks up what became of the first request,
	// and takes another endToEndId only for another payment.
	CodeDuplicate Code = "AM05"
	// CodeEndToEndID says that the endToEndId has not 16 digits. The requester corrects it.
	CodeEndToEndID Code = "FF08"
	// CodeInvalidFile says that a record, or the file as a whole, cannot be read or contradicts itself. The sender corrects
	// the record or the file.
	CodeInvalidFile Code = "FF01"
	// CodeControlSum says that the sum of the trailer is not that of the lines. The sender makes the whole file again.
	CodeControlSum Code = "AM10"
	// CodeTransactionCount says that a count of the trailer is not that of the lines. The sender makes the whole file
	// again.
	CodeTransactionCount Code = "AM18"
	// CodeDateTooFar says that the execution date lies more than MaxAheadDays ahead. The requester asks again when it is
	// nearer.
	CodeDateTooFar Code = "CH03"
	// CodeDatePast says that the execution date is before the business date. The requester takes a date that is to come.
	CodeDatePast Code = "CH04"
	// CodeNoCreditorName says that a transfer has no creditor name. The requester gives it.
	CodeNoCreditorName Code = "RR03"
	// CodeAboveCeiling says that the validation refused the amount: it is above the ceiling agreed. The requester asks for
	// less, or has the ceiling raised first.
	CodeAboveCeiling Code = "AM14"
	// CodeCutOff says that nobody approved the transfer before the cut-off. The requester asks again on the next business
	// day.
	CodeCutOff Code = "TM01"
)

// meanings lists the codes in the order of their declaration.
var meanings = []struct { //nolint:gochecknoglobals // a table that nobody writes to
	code   Code
	french string
}{
	{CodeUnknownAccount, "compte de paiement inconnu"},
	{CodeMovementAmount, "montant du mouvement supérieur au disponible"},
	{CodeNoCover, "provision insuffisante"},
	{CodeClosedAccount, "compte de paiement clos"},
	{CodeBlockedAccount, "compte de paiement bloqué"},
	{CodeInvalidIBAN, "IBAN incorrect"},
	{CodeNotEntitled, "opération non autorisée sur ce compte"},
	{CodeZeroAmount, "montant nul"},
	{CodeCurrency, "devise non autorisée"},
	{CodeDuplicate, "demande déjà reçue"},
	{CodeEndToEndID, "identifiant endToEndId invalide"},
	{CodeInvalidFile, "enregistrement ou fichier illisible"},
	{CodeControlSum, "somme de contrôle fausse"},
	{CodeTransactionCount, "nombre d'opérations faux"},
	{CodeDateTooFar, "date d'exécution trop lointaine"},
	{CodeDatePast, "date d'exécution passée"},
	{CodeNoCreditorName, "nom du bénéficiaire absent"},
	{CodeAboveCeiling, "montant supérieur au plafond convenu"},
	{CodeCutOff, "non approuvé avant l'heure limite"},
}

// Codes gives all codes, in an order that does not change.
func Codes() []Code {
	codes := make([]Code, len(meanings))
	for i := range meanings {
		codes[i] = meanings[i].code
	}

	return codes
}

// Meaning says in a few French words why the request is rejected, for screens and reports; nothing for the empty Code or
// one that is not among Codes.
func (c Code) Meaning() string {
	at := slices.IndexFunc(meanings, func(m struct {
		code   Code
		french string
	},
	) bool {
		return m.code == c
	})
	if at < 0 {
		return ""
	}

	return meanings[at].french
}
