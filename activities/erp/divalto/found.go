package divalto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/money"
)

// The fields of a record, by the names of the ERP's dictionary.
const (
	fieldLabel      = "LIB"
	fieldAmount     = "MTDEV"
	fieldThirdParty = "TIERS"
)

// lookUpReply is what is read of the answer to a look-up.
type lookUpReply struct {
	// Error is a number or a text.
	Error   json.RawMessage `json:"error"`
	Records *[]struct {
		Record map[string]json.RawMessage `json:"record"`
	} `json:"records"`
}

// readFound reads the answer to a look-up. What cannot be read is no answer.
func (c *Client) readFound(found *erp.Found, body []byte, label string) {
	var reply lookUpReply
	// The library's error repeats what stands there: it is not shown.
	if err := json.Unmarshal(body, &reply); err != nil {
		found.Detail = "the answer to the look-up is no JSON document"
		return
	}
	found.Reply.Tier = divalto.TierStrict
	found.Reply.Error = strings.Trim(string(reply.Error), `"`)
	switch {
	case found.Reply.Error == "" || found.Reply.Error == "null":
		found.Reply.Error = ""
		found.Detail = "the answer to the look-up does not say whether it succeeded"
		return
	case found.Reply.Error != "0":
		found.Class = divalto.TechnicalError
		found.Detail = "the look-up failed with technical error " + code(found.Reply.Error) + ": `starter erp show` has its words"
		return
	case reply.Records == nil:
		found.Detail = "the answer to the look-up has no list of records"
		return
	}
	for i, one := range *reply.Records {
		entry, mine, err := c.readEntry(one.Record, label)
		if err != nil {
			found.Entries = nil
			found.Detail = fmt.Sprintf("record %d of the look-up: %s", i+1, err)
			return
		}
		if mine {
			found.Entries = append(found.Entries, entry)
		}
	}
	found.Answered = true
	found.Detail = fmt.Sprintf("%d entries of the label", len(found.Entries))
}

// readEntry reads a record, and tells whether it is of the label: the ERP may
// compare otherwise than we do.
func (c *Client) readEntry(record map[string]json.RawMessage, label string) (entry erp.Entry, mine bool, err error) {
	value := func(name string) (string, error) {
		for key, raw := range record {
			if strings.EqualFold(key, name) {
				return text(raw)
			}
		}
		return "", fmt.Errorf("there is no field %s", name)
	}
	labelled, err := value(fieldLabel)
	if err != nil || labelled != label {
		return erp.Entry{}, false, err
	}
	amount, err := value(fieldAmount)
	if err != nil {
		return erp.Entry{}, false, err
	}
	if entry.Amount, err = euros(amount); err != nil {
		return erp.Entry{}, false, err
	}
	if entry.ThirdParty, err = value(fieldThirdParty); err != nil {
		return erp.Entry{}, false, err
	}
	entry.Transaction, err = value(c.settings.LookUp.Field)
	return entry, err == nil, err
}

// euros reads an amount, of as many decimals as the ERP's field has.
func euros(text string) (money.Cents, error) {
	number, err := decimal.NewFromString(text)
	if err != nil || len(text) > maxAmount {
		return 0, errors.New("field " + fieldAmount + " holds no amount")
	}
	amount, err := money.FromDecimal(number)
	if err != nil {
		return 0, fmt.Errorf("field %s: %w", fieldAmount, err) // it repeats the amount, which is no secret
	}
	return amount, nil
}

// maxAmount is how many characters of an amount are read.
const maxAmount = 32

// text is a field's value: a text, padded to the width of its field, or a number.
func text(raw json.RawMessage) (string, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] != '"' {
		if !codePattern.Match(raw) {
			return "", errors.New("a field holds no text")
		}
		return string(raw), nil
	}
	var value string
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", errors.New("a field holds no text")
	}
	return strings.TrimRight(value, " "), nil
}
