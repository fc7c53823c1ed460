package divalto

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// order is what param holds.
type order struct {
	Action struct {
		Script     string `json:"swinfinity"`
		Parameters struct {
			Dossier       string `json:"dos"`
			Accounting    string `json:"doscpt"`
			Establishment string `json:"etb"`
		} `json:"parameters"`
	} `json:"action"`
	Data struct {
		Headers []struct {
			Fields map[string]json.RawMessage `json:"EnteteReglement"`
		} `json:"EnteteReglementtb"`
	} `json:"data"`
}

func readParam(param string) (order, error) {
	var asked order
	text, err := requote(param)
	if err != nil {
		return asked, err
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return asked, fmt.Errorf("param: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return asked, errors.New("param: something follows its end")
	}
	return asked, nil
}

var errQuote = errors.New("param: a double quote outside of a single-quoted string")

// requote gives JSON for JSON that may be single quoted, as its first quote tells.
func requote(text string) (string, error) {
	at := strings.IndexAny(text, `'"`)
	if at < 0 || text[at] == '"' {
		return text, nil
	}
	var out strings.Builder
	inside, escaped := false, false
	for _, char := range text {
		switch {
		case escaped:
			escaped = false
			if char != '\'' {
				out.WriteByte('\\')
			}
			out.WriteRune(char)
		case inside && char == '\\':
			escaped = true
		case char == '\'':
			inside = !inside
			out.WriteByte('"')
		case char == '"' && !inside:
			return "", errQuote
		case char == '"':
			out.WriteString(`\"`)
		default:
			out.WriteRune(char)
		}
	}
	return out.String(), nil
}

// name is what a field is called in the dictionary, with what its tag's values are called.
type name struct {
	field string
	words map[string]string
}

// headerNames gives the fields of a header, by their names and tags in small letters.
func headerNames() map[string]name {
	return map[string]name{
		"etb": {field: "ETB"}, "chgetat": {field: "CHGETAT"}, "bqc": {field: "BQC"},
		"transacdt": {field: "TRANSACDT"}, "date": {field: "TRANSACDT"},
		"dev": {field: "DEV"}, "currency": {field: "DEV"},
		"tiers": {field: "TIERS"}, "thirdparty": {field: "TIERS"},
		"mtdev": {field: "MTDEV"}, "amount": {field: "MTDEV"},
		"lib": {field: "LIB"}, "libecr": {field: "LIB"}, "label": {field: "LIB"},
		"reglttyp": {field: "REGLTTYP"},
		"paymenttype": {field: "REGLTTYP", words: map[string]string{
			"ENCASHMENT": encashment, "DISBURSEMENT": disbursement,
		}},
		"etatfin": {field: "ETATFIN"},
		"finalstatement": {field: "ETATFIN", words: map[string]string{
			"CHECK": "C30", "CHECKINBANK": "C50", "TRANSFERT": "V30", "TRANSFERTINBANK": "V50",
			"SEPATRANSFERT": "S30", "SEPATRANSFERTINBANK": "S50",
			"INTERNATIONALVIREMENT": "I30", "INTERNATIONALVIREMENTINBANK": "I50",
			"DIRECTDEBIT": "D30", "DIRECTDEBITINBANK": "D50",
		}},
	}
}

// detailNames gives those of a detail.
func detailNames() map[string]name {
	return map[string]name{
		"mtdevfin": {field: "MTDEVFIN"}, "amount": {field: "MTDEVFIN"},
		"prefpiece": {field: "PREFPIECE"}, "prefix": {field: "PREFPIECE"}, "piece": {field: "PIECE"},
		"tiers": {field: "TIERS"}, "thirdparty": {field: "TIERS"},
		"echoridt": {field: "ECHORIDT"}, "duedate": {field: "ECHORIDT"},
		"transac": {field: "TRANSAC"}, "noordre": {field: "NOORDRE"},
		"natureoperation": {field: "NATUREOPERATION"},
		"operation": {field: "NATUREOPERATION", words: map[string]string{
			"PAYMENT": "", "RegltDiff": "WDR", "ChangeDiff": "WDC", "Escompte": "WE", "Acompte": "WAR", "PARTIALPAYMENT": "WPA",
		}},
	}
}

// fields are those of a header or of a detail, by their names in the dictionary, without the blanks around them.
type fields map[string]string

const detailTable = "DetailReglementtb"

// readFields reads all but the details.
func readFields(raw map[string]json.RawMessage, names map[string]name) (fields, error) {
	read := fields{}
	for key, value := range raw {
		if key == detailTable {
			continue
		}
		named, known := names[strings.ToLower(key)]
		if !known {
			return nil, fmt.Errorf("champ %s inconnu", key)
		}
		if _, twice := read[named.field]; twice {
			return nil, fmt.Errorf("champ %s en double", named.field)
		}
		var text string
		if err := json.Unmarshal(value, &text); err != nil || string(value) == "null" {
			return nil, fmt.Errorf("champ %s : la valeur n'est pas une chaîne", key)
		}
		text = strings.TrimSpace(text)
		if word, known := named.words[text]; known {
			text = word
		}
		read[named.field] = text
	}
	return read, nil
}

// readDetails reads the details of a header.
func readDetails(raw map[string]json.RawMessage) ([]fields, error) {
	var table []struct {
		Detail map[string]json.RawMessage `json:"DetailReglement"`
	}
	if err := json.Unmarshal(raw[detailTable], &table); err != nil || len(table) == 0 {
		return nil, fmt.Errorf("%s absent ou illisible", detailTable)
	}
	details := make([]fields, 0, len(table))
	for i := range table {
		read, err := readFields(table[i].Detail, detailNames())
		if err != nil {
			return nil, fmt.Errorf("détail %d : %w", i+1, err)
		}
		details = append(details, read)
	}
	return details, nil
}
