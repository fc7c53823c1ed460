package divalto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
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
	Error json.RawMessage `json:"error"`
	// Count is how many records there are, as the ERP says.
	Count   json.RawMessage `json:"nbrecord"`
	Records *[]struct {
		Record map[string]json.RawMessage `json:"record"`
	} `json:"records"`
}

// whole tells whether the records are all that there are: as many as the ERP says,
// and fewer than were asked for, beyond which there may be more.
func (r *lookUpReply) whole() bool {
	given := len(*r.Records)
	said, err := text(r.Count)
	if err == nil && said != "" {
		var count int
		count, err = strconv.Atoi(said)
		return err == nil && count == given && given < maxEntries
	}
	return err == nil && given < maxEntries
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
	// What is not there must be missing for certain: it may be posted again then.
	if len(found.Entries) <= 1 && !reply.whole() {
		found.Entries = nil
		found.Detail = fmt.Sprintf("the look-up gave %d records, which may not be all of them", len(*reply.Records))
		return
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
	if strings.Trim(entry.Transaction, "0") == "" {
		entry.Transaction = "" // as in a reply, 0 says that there is none
	}
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

// text is a field's value: a text, padded to the width of its field, or a number;
// empty where there is none.
func text(raw json.RawMessage) (string, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	if raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' {
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
