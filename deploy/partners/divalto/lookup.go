package divalto

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

const (
	table       = "RGLTJNLENT"
	dossierPair = "MZ.DOS"
	labelPair   = "LIB"
	// maxRecords is the count of a look-up that names none.
	maxRecords = 10_000
)

// records is the answer to a look-up.
type records struct {
	Error   int64    `json:"error"`
	TxtErr  string   `json:"txterr"`
	Table   string   `json:"tablename"`
	Count   int      `json:"nbrecord"`
	Records []record `json:"records"`
	Infos   string   `json:"infos"`
}

type record struct {
	Record map[string]string `json:"record"`
}

func noRecords(code int64, text string) reply {
	return answer(records{Error: code, TxtErr: text, Records: []record{}})
}

// search is a request to look up.
type search struct {
	Dictionary       string `json:"dhoq"`
	Record           string `json:"recordsql"`
	Token            string `json:"access_token"`
	Parameters       string `json:"parameters"`
	Fields           string `json:"fields"`
	Where            string `json:"where"`
	WhereParameters  string `json:"where_parameters"`
	Offset           int    `json:"offset"`
	Count            int    `json:"count"`
	OrderBy          string `json:"orderby"`
	Having           string `json:"having"`
	HavingParameters string `json:"having_parameters"`
	Infos            string `json:"infos"`
}

// lookUp finds what is booked under a label.
func (e *ERP) lookUp(body []byte) reply {
	var call search
	if err := json.Unmarshal(body, &call); err != nil {
		return unreadable()
	}
	if !e.good(RecordSQL, call.Token) {
		return noRecords(errorToken, textToken)
	}
	if code, wanted := e.onDemand(RecordSQL, TechnicalError); wanted {
		return noRecords(code, textOnDemand)
	}
	code, text := e.refuses(&call)
	if code != 0 {
		return noRecords(code, text)
	}
	label, _ := pair(call.WhereParameters, labelPair)
	found := e.find(e.dossier(&call), label)
	if _, wanted := e.take(RecordSQL, EmptyResult); wanted {
		found = nil
	}
	found = found[min(call.Offset, len(found)):]
	if call.Count == 0 {
		call.Count = maxRecords
	}
	found = found[:min(call.Count, len(found))]
	shown := records{Table: table, Count: len(found), Records: make([]record, 0, len(found))}
	for _, row := range found {
		chosen, known := choose(row, call.Fields)
		if !known {
			return noRecords(errorWhere, "Champ inconnu")
		}
		shown.Records = append(shown.Records, record{chosen})
	}
	return answer(shown)
}

// refuses tells what is wrong with a look-up; nothing with the code 0.
func (e *ERP) refuses(call *search) (code int64, text string) {
	inDictionary := strings.EqualFold(call.Dictionary, Dictionary) && strings.EqualFold(call.Record, Record)
	if !inDictionary || !strings.EqualFold(strings.TrimSpace(call.Where), Condition) {
		return errorRecord, "RecordSql inconnu ou non autorisé"
	}
	_, isLabel := pair(call.WhereParameters, labelPair)
	unserved := strings.TrimSpace(call.OrderBy + call.Having + call.HavingParameters)
	if !isLabel || unserved != "" || call.Offset < 0 || call.Count < 0 || !slices.Contains(e.settings.Dossiers, e.dossier(call)) {
		return errorWhere, "Paramètres illisibles"
	}
	return 0, ""
}

// dossier gives the one that a look-up names, or the user's own; an empty one when it names something else.
func (e *ERP) dossier(call *search) string {
	if strings.TrimSpace(call.Parameters) == "" {
		return e.settings.Dossiers[0]
	}
	dossier, named := pair(call.Parameters, dossierPair)
	if !named {
		return ""
	}
	return strings.TrimSpace(dossier)
}

// pair gives the value of the only pair that a text consists of.
func pair(text, name string) (string, bool) {
	key, value, _ := strings.Cut(text, "=")
	return value, strings.EqualFold(strings.TrimSpace(key), name) && !strings.Contains(value, ";")
}

// choose leaves the fields that were asked for.
func choose(row map[string]string, asked string) (chosen map[string]string, known bool) {
	asked = strings.TrimSpace(asked)
	if asked == "" || asked == "*" {
		return row, true
	}
	chosen = map[string]string{}
	for field := range strings.SplitSeq(asked, ";") {
		value, known := row[strings.TrimSpace(field)]
		if !known {
			return nil, false
		}
		chosen[strings.TrimSpace(field)] = value
	}
	return chosen, true
}

// find gives the rows of a dossier under a label, in the order of their booking.
func (e *ERP) find(dossier, label string) []map[string]string {
	e.lock.Lock()
	defer e.lock.Unlock()
	var found []map[string]string
	for i := range e.books.bookings {
		booked := &e.books.bookings[i]
		if booked.Dossier != dossier || booked.Label != label {
			continue
		}
		found = append(found, map[string]string{
			table + "_ID": strconv.Itoa(i + 1), "DOS": booked.Dossier, "TRANSAC": booked.TransactionID, "LIB": booked.Label,
			"TIERS": booked.ThirdParty, "MTDEV": euros(booked.Cents), "DEV": booked.Currency, "REGLTTYP": strconv.Itoa(booked.Direction),
			"ETATFIN": booked.State, "TRANSACDT": booked.Date,
		})
	}
	return found
}
