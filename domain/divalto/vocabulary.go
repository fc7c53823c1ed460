package divalto

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The two vocabularies that the ERP understands.
const (
	// DictionaryNames are the names of fields of the ERP's dictionary, with its raw codes: RegltTyp 1.
	DictionaryNames = "dictionary"
	// TagNames are the names of tags, with the names that stand for codes: PAYMENTTYPE ENCASHMENT.
	TagNames = "tags"
)

// The fields of a request, by their names in the ERP's dictionary.
const (
	headerTable, headerRecord = "EnteteReglementtb", "EnteteReglement"
	detailTable, detailRecord = "DetailReglementtb", "DetailReglement"

	fieldEtb        = "ETB"       // establishment
	fieldDate       = "TRANSACDT" // yyyyMMdd
	fieldCurrency   = "DEV"
	fieldThirdParty = "TIERS" // of the settlement, and of each detail
	fieldAmount     = "MTDEV"
	fieldLabel      = "LIB"
	fieldDirection  = "RegltTyp"
	fieldChange     = "ChgEtat"
	fieldFinal      = "EtatFin"
	fieldBank       = "BQC" // of a deposit

	fieldLineAmount  = "MTDEVFIN"
	fieldPrefix      = "PREFPIECE"
	fieldPiece       = "PIECE"
	fieldNature      = "NatureOperation"
	fieldDue         = "EchOriDt" // yyyyMMdd
	fieldTransaction = "TRANSAC"  // of a deposit's item
	fieldOrder       = "NOORDRE"  // of a deposit's item
)

// maxName bounds the name of a field, in bytes: the dictionary's are shorter.
const maxName = 32

// Vocabulary is how the fields and the codes of a request are named. The zero
// Vocabulary is that of the dictionary. It is safe for concurrent use.
type Vocabulary struct {
	names map[string]string            // by the dictionary's name
	codes map[string]map[string]string // by the dictionary's name, then by the code
}

// VocabularyError is a name that no vocabulary can hold.
type VocabularyError struct {
	Name  string // the dictionary's name of the field, or that of the vocabulary
	Value string // what it was to be named
	Todo  string // what is wrong, and what to do
}

// Error names the field, its name and what to do.
func (e *VocabularyError) Error() string {
	return fmt.Sprintf("vocabulary of the ERP, %q named %q: %s", e.Name, e.Value, e.Todo)
}

// NewVocabulary gives the vocabulary of that base, DictionaryNames (also when it
// is empty) or TagNames, in which some fields are named otherwise: LIB as LibEcr,
// for instance. renamed is keyed by the dictionary's names, as the documentation
// of the ERP writes them; TIERS is both the settlement's and the detail's. The
// error is a *VocabularyError.
func NewVocabulary(base string, renamed map[string]string) (Vocabulary, error) {
	vocabulary := Vocabulary{names: map[string]string{}}

	switch base {
	case "", DictionaryNames:
	case TagNames:
		vocabulary.names, vocabulary.codes = tagNames(), tagCodes()
	default:
		return Vocabulary{}, &VocabularyError{base, "", "say " + DictionaryNames + " or " + TagNames}
	}

	known := append(headerFields(), detailFields()...)

	for _, name := range slices.Sorted(maps.Keys(renamed)) {
		if !slices.Contains(known, name) {
			return Vocabulary{}, &VocabularyError{name, renamed[name], "no such field: say one of " + strings.Join(known, " ")}
		}

		if !isName(renamed[name]) {
			return Vocabulary{}, &VocabularyError{
				name, renamed[name], fmt.Sprintf("a name is a letter, then letters, digits and underscores, at most %d", maxName),
			}
		}

		vocabulary.names[name] = renamed[name]
	}

	for _, level := range [...][]string{headerFields(), detailFields()} {
		if err := vocabulary.distinct(level); err != nil {
			return Vocabulary{}, err
		}
	}

	return vocabulary, nil
}

// distinct refuses two fields of one level under one name: the ERP does not tell
// upper from lower case.
func (v Vocabulary) distinct(level []string) error {
	named := map[string]string{strings.ToLower(detailTable): detailTable}

	for _, field := range level {
		name := strings.ToLower(v.name(field))
		if other, twice := named[name]; twice {
			return &VocabularyError{field, v.name(field), other + " has the same name: rename one of them"}
		}

		named[name] = field
	}

	return nil
}

// name gives the name under which a field is written.
func (v Vocabulary) name(field string) string {
	if name, renamed := v.names[field]; renamed {
		return name
	}

	return field
}

// code gives what is written for a field's value.
func (v Vocabulary) code(field, value string) string {
	if name, named := v.codes[field][value]; named {
		return name
	}

	return value
}

func headerFields() []string {
	return []string{
		fieldEtb, fieldDate, fieldCurrency, fieldThirdParty, fieldAmount, fieldLabel, fieldDirection, fieldChange, fieldFinal, fieldBank,
	}
}

func detailFields() []string {
	return []string{fieldLineAmount, fieldPrefix, fieldPiece, fieldThirdParty, fieldNature, fieldDue, fieldTransaction, fieldOrder}
}

func tagNames() map[string]string {
	return map[string]string{
		fieldDirection: "PAYMENTTYPE", fieldThirdParty: "THIRDPARTY", fieldAmount: "AMOUNT", fieldLabel: "LABEL",
		fieldDate: "DATE", fieldCurrency: "CURRENCY", fieldFinal: "FINALSTATEMENT", fieldChange: "CHGETAT",
		fieldLineAmount: "AMOUNT", fieldNature: "OPERATION", fieldPrefix: "PREFIX", fieldDue: "DUEDATE",
	}
}

func tagCodes() map[string]map[string]string {
	return map[string]map[string]string{
		fieldDirection: {"1": "ENCASHMENT", "2": "DISBURSEMENT"},
		fieldFinal: {
			"C30": "CHECK", "C50": "CHECKINBANK", "V30": "TRANSFERT", "V50": "TRANSFERTINBANK", "S30": "SEPATRANSFERT",
			"S50": "SEPATRANSFERTINBANK", "I30": "INTERNATIONALVIREMENT", "I50": "INTERNATIONALVIREMENTINBANK",
			"D30": "DIRECTDEBIT", "D50": "DIRECTDEBITINBANK",
		},
		fieldNature: {
			blank: "PAYMENT", "WDR": "RegltDiff", "WDC": "ChangeDiff", "WE": "Escompte", "WAR": "Acompte", "WPA": "PARTIALPAYMENT",
		},
	}
}

func isName(text string) bool {
	if text == "" || len(text) > maxName {
		return false
	}

	for i := range len(text) {
		c := text[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'

		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}

	return true
}
