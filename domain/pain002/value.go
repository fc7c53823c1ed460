package pain002

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
)

const (
	maxID   = 35  // characters of an identifier and of a bank's own reason, Max35Text
	maxInfo = 105 // characters of one additional information, Max105Text
)

// code is the shape of statuses and of ISO's reasons.
var code = regexp.MustCompile(`^[A-Z0-9]{4}$`)

// id reads an identifier.
func (r *reader) id(text string, must bool, at place, path string) string {
	if text == "" {
		if must {
			r.note(at(path, fault.CodeMissing, "", "must be filled"))
		}

		return ""
	}

	return r.text(text, maxID, at, path)
}

// text reads a text.
func (r *reader) text(text string, most int, at place, path string) string {
	if code, reason := iso20022.CheckText(text, most); code != "" {
		r.note(at(path, code, "", reason))

		return ""
	}

	return text
}

// number reads a number of orders.
func (r *reader) number(said bool, text string, at place, path string) int {
	if !said {
		return 0
	}

	count, err := iso20022.ParseCount(text)

	switch {
	case err != nil:
		r.note(at(path, fault.CodePattern, "", err.Error()))
	case count > MaxTransactions:
		r.note(at(path, fault.CodeTooManyLines, strconv.Itoa(count), "is beyond the limit of "+strconv.Itoa(MaxTransactions)+" orders"))

		return 0
	}

	return count
}

// sum reads a sum of orders.
func (r *reader) sum(said bool, text string, at place, path string) money.Cents {
	if !said {
		return 0
	}

	sum, err := iso20022.ParseAmount(text)

	switch {
	case err != nil:
		r.note(at(path, fault.CodeAmount, "", err.Error()))
	case sum < 0:
		r.note(at(path, fault.CodeSign, sum.String(), "must not be below zero"))
	}

	return sum
}

// amount reads the amount of an order.
func (r *reader) amount(said *iso20022.CurrencyAmount, at place, path string) money.Cents {
	amount, wrong := said.Euros()
	if wrong != nil {
		r.note(at(path, wrong.Code, wrong.Value, wrong.Reason))
	}

	return amount
}

// status reads a status. One that cannot be read counts as not said.
func (r *reader) status(said bool, text string, where level, at place, path string) Status {
	status := Status(text)

	switch {
	case !said:
		return ""
	case status.listed(r.report.Version, where):
		return status
	case code.MatchString(text):
		r.note(at(path, fault.CodeUnknown, text, "is no status that ISO has here for "+string(r.report.Version)))
	default:
		r.note(at(path, fault.CodeUnknown, "", "must be one of ISO's statuses, four capital letters"))
	}

	return ""
}

// reasons reads the reasons of what at speaks of.
func (r *reader) reasons(said []iso20022.StatusReason, at place) []Reason {
	if len(said) > MaxReasons {
		r.note(r.tooMany(at, reasonInfo))

		return nil
	}

	var reasons []Reason

	for i := range said {
		reasons = append(reasons, r.readReason(&said[i], at, reasonInfo+"/"))
	}

	return reasons
}

func (r *reader) tooMany(at place, path string) *fault.Fault {
	return at(path, iso20022.CodeLimit, "", "has more than "+strconv.Itoa(MaxReasons)+" here")
}

// readReason reads a reason. prefix is where it stands in the element that at speaks of.
func (r *reader) readReason(said *iso20022.StatusReason, at place, prefix string) Reason {
	var reason Reason

	if said.Rsn != nil {
		reason.Code = r.reasonCode(iso20022.Trimmed(&said.Rsn.Cd), iso20022.Trimmed(&said.Rsn.Prtry), at, prefix+"Rsn")
	}

	if len(said.AddtlInf) > MaxReasons {
		r.note(r.tooMany(at, prefix+"AddtlInf"))

		return reason
	}

	info := make([]string, 0, len(said.AddtlInf))

	for i := range said.AddtlInf {
		if text := iso20022.Trimmed(&said.AddtlInf[i]); text != "" {
			info = append(info, r.text(text, maxInfo, at, prefix+"AddtlInf"))
		}
	}

	reason.Info = strings.Join(info, " ")

	return reason
}

func (r *reader) reasonCode(listed, own string, at place, path string) string {
	switch {
	case listed == "" && own == "":
		r.note(at(path, fault.CodeMissing, "", "must hold Cd or Prtry"))
	case listed != "" && own != "":
		r.note(at(path, iso20022.CodeElement, "", "holds both Cd and Prtry"))
	case own != "":
		return r.text(own, maxID, at, path+"/Prtry")
	case !code.MatchString(listed):
		r.note(at(path+"/Cd", fault.CodePattern, "", "must be four capital letters and digits"))
	default:
		return listed
	}

	return ""
}

// counts reads the counts of the message. More of them than there are statuses are not looked at.
func (r *reader) counts(said []iso20022.StatusCount, at place) []Count {
	if len(said) > len(list(V10, ofOrder)) {
		r.note(at(statusCount, iso20022.CodeLimit, "", "stands here more often than there are statuses"))

		return nil
	}

	var counts []Count

	for i := range said {
		counts = r.addCount(counts, &said[i], at, statusCount+"/")
	}

	return counts
}

// addCount reads a count of orders by status.
func (r *reader) addCount(counts []Count, said *iso20022.StatusCount, at place, prefix string) []Count {
	count := Count{
		Status: r.status(true, iso20022.Trimmed(&said.DtldSts), ofOrder, at, prefix+"DtldSts"),
		Orders: r.number(true, iso20022.Trimmed(&said.DtldNbOfTxs), at, prefix+"DtldNbOfTxs"),
		Sum:    r.sum(said.DtldCtrlSum != nil, iso20022.Trimmed(said.DtldCtrlSum), at, prefix+"DtldCtrlSum"),
	}

	switch {
	case count.Status == "":
		return counts
	case slices.ContainsFunc(counts, func(known Count) bool { return known.Status == count.Status }):
		r.note(at(prefix+"DtldSts", fault.CodeDuplicate, string(count.Status), "is counted twice"))

		return counts
	default:
		return append(counts, count)
	}
}
