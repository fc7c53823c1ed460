package vacation

import "fmt"

// FailureCode says why a vacation ended with error. Codes are stable: they
// stand in events, in Temporal's histories and in operators' alarms.
type FailureCode string

// The codes, each with what an operator does about it.
const (
	// FileMissing: no complete file by the cut-off. Bring it and run again.
	FileMissing FailureCode = "FILE_MISSING"
	// FileInvalid: the file breaks its format or its own control sums. The
	// report beside it lists the lines; have it corrected and run again.
	FileInvalid FailureCode = "FILE_INVALID"
	// AmountMismatch: the file's signed gross is not the bank's amount.
	AmountMismatch FailureCode = "AMOUNT_MISMATCH"
	// ReferenceMismatch: the file explains another settlement.
	ReferenceMismatch FailureCode = "REFERENCE_MISMATCH"
	// DuplicateReference: the reference, or the file, was settled before.
	DuplicateReference FailureCode = "DUPLICATE_REFERENCE"
	// DuplicateLine: the file holds a creId that an earlier file settled.
	DuplicateLine FailureCode = "DUPLICATE_CRE_ID"
	// ParametersConflict: the session is known with other parameters.
	ParametersConflict FailureCode = "PARAMETERS_CONFLICT"
	// MerchantsMissing: no merchant snapshot was ever loaded.
	MerchantsMissing FailureCode = "MERCHANTS_MISSING"
	// PartsLost: the split lines of the file were lost time and again, as when
	// workers do not share their work folder. Let them share it and run again.
	PartsLost FailureCode = "PARTS_LOST"
	// OwnMoneyTooLow: fonctionnement cannot cover the merchants' shortfalls, so
	// that client money would be short. Fund it and run again.
	OwnMoneyTooLow FailureCode = "OWN_MONEY_TOO_LOW"
	// InvariantBroken: the books do not prove. Nothing must go on before
	// someone has looked.
	InvariantBroken FailureCode = "INVARIANT_BROKEN"
	// RemittanceUnmatched: the bank debited a remittance that no bulk explains,
	// or another amount than its orders'. The suspense account keeps it.
	RemittanceUnmatched FailureCode = "REMITTANCE_UNMATCHED"
	// RejectsMismatch: the detail of a lot of rejects does not explain the lot.
	// Bring the whole detail and run again.
	RejectsMismatch FailureCode = "REJECTS_MISMATCH"
	// PaylineRefused: the Payline file was refused as a whole; the automatic
	// payouts went on. Have the file corrected and run again.
	PaylineRefused FailureCode = "PAYLINE_REFUSED"
	// SnapshotGap: the merchants' snapshot is not the next one in sequence.
	SnapshotGap FailureCode = "SNAPSHOT_GAP"
	// StatementInvalid: a bank statement breaks its format, or is not the next
	// one in sequence. Bring the one that the message names.
	StatementInvalid FailureCode = "STATEMENT_INVALID"
	// ReportInvalid: a report of the bank on a bulk breaks its format, or is none
	// on a bulk of ours. Ask the bank, take it out of the inbox, and run again.
	ReportInvalid FailureCode = "REPORT_INVALID"
	// BankFileInvalid: the file of a bulk does not pass the bank's rules, and was
	// not handed over. The message names the order.
	BankFileInvalid FailureCode = "BANK_FILE_INVALID"
	// Aborted: an operator ended the run while it waited.
	Aborted FailureCode = "ABORTED"
	// Refused: an operator's answer, or a request, does not fit; nothing changed.
	Refused FailureCode = "REFUSED"
	// Cancelled: an operator cancelled the run.
	Cancelled FailureCode = "CANCELLED"
	// Abandoned: the run's workflow vanished (terminated, or its server lost);
	// the run that follows it closes it.
	Abandoned FailureCode = "ABANDONED"
	// Unexpected: an error that no code names; the message has it.
	Unexpected FailureCode = "UNEXPECTED"
)

// FailureCodes lists them all.
func FailureCodes() []FailureCode {
	return []FailureCode{
		FileMissing, FileInvalid, AmountMismatch, ReferenceMismatch, DuplicateReference, DuplicateLine, ParametersConflict,
		MerchantsMissing, PartsLost, OwnMoneyTooLow, InvariantBroken,
		RemittanceUnmatched, RejectsMismatch, PaylineRefused, SnapshotGap, StatementInvalid, ReportInvalid, BankFileInvalid,
		Aborted, Refused, Cancelled, Abandoned, Unexpected,
	}
}

// Failure is why a vacation ended with error: what happened, at which step, and
// what to do next. Its message holds no personal data.
type Failure struct { //nolint:errname // what the engine's words call it; it is also passed as a value
	Code    FailureCode
	Step    Stage
	Message string
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s at %s: %s", f.Code, f.Step, f.Message)
}

// Fail makes a failure; its step is set by the workflow that meets it.
func Fail(code FailureCode, format string, args ...any) *Failure {
	return &Failure{Code: code, Message: fmt.Sprintf(format, args...)}
}
