package pesitrest

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/reglo/reglo/activities/channels"
)

// The product's states. Those that it does not have, or that we do not know, are
// neither success nor failure.
const (
	statusPending    = "PENDING"
	statusInProgress = "IN_PROGRESS"
	statusCompleted  = "COMPLETED"
	statusFailed     = "FAILED"
)

// The directions, as the product's side sees them.
const (
	directionSend    = "SEND"
	directionReceive = "RECEIVE"
)

// record is a transfer as the product tells of it: the answer to an order, or what
// it keeps. The two name the identifier differently.
type record struct {
	ID            string `json:"id"`
	TransferID    string `json:"transferId"`
	CorrelationID string `json:"correlationId"`
	Direction     string `json:"direction"`
	Status        string `json:"status"`
	ServerName    string `json:"serverName"`
	Remote        string `json:"remoteFilename"`
	Local         string `json:"localFilename"`
	// FileSize is what the product found, Transferred and Size what went over.
	FileSize    *int64 `json:"fileSize"`
	Transferred *int64 `json:"bytesTransferred"`
	Size        *int64 `json:"size"`
	Checksum    string `json:"checksum"`
	Diagnostic  string `json:"diagnosticCode"`
}

// id is the transfer's, empty where there is none that could stand in a path.
func (r *record) id() string {
	for _, id := range []string{r.TransferID, r.ID} {
		if idPattern.MatchString(id) {
			return id
		}
	}
	return ""
}

// moving tells whether more is to be heard of it.
func (r *record) moving() bool { return r.Status == statusPending || r.Status == statusInProgress }

// refused tells whether the bank refused it before it got a byte.
func (r *record) refused() bool {
	for _, count := range []*int64{r.Transferred, r.Size} {
		if count != nil && *count != 0 {
			return false
		}
	}
	return r.Status == statusFailed && refusedBeforeData(r.Diagnostic)
}

// status is the state as it may stand in a sentence.
func (r *record) status() string {
	if !codePattern.MatchString(r.Status) {
		return "in no state"
	}
	return r.Status
}

// transferred is how many bytes went over, if the product says it, once or twice
// the same.
func (r *record) transferred() (bytes int64, said bool) {
	for _, count := range []*int64{r.Transferred, r.Size} {
		if count == nil {
			continue
		}
		if said && *count != bytes {
			return 0, false
		}
		bytes, said = *count, true
	}
	return bytes, said
}

// contradicts says in what a transfer is not that of the file, or gives nothing.
func (r *record) contradicts(file channels.File, server string) string {
	switch {
	case r.Direction != "" && r.Direction != directionSend:
		return "goes the other way"
	case r.CorrelationID != "" && r.CorrelationID != file.Correlation:
		return "has another correlation"
	case r.Remote != "" && r.Remote != file.Name:
		return "has another file's name"
	case r.ServerName != "" && r.ServerName != server:
		return "goes to another server"
	default:
		return ""
	}
}

// short says why a transfer that the product calls COMPLETED is not known to be of
// the whole file, or gives nothing.
func (r *record) short(file channels.File) string {
	bytes, said := r.transferred()
	switch {
	case !said:
		return "the product does not say how many bytes went over"
	case bytes != file.Bytes:
		return fmt.Sprintf("%d bytes went over, the file has %d", bytes, file.Bytes)
	case r.FileSize != nil && *r.FileSize != file.Bytes:
		return fmt.Sprintf("the product found %d bytes, the file has %d", *r.FileSize, file.Bytes)
	case checksumPattern.MatchString(r.Checksum) && !strings.EqualFold(r.Checksum, hex.EncodeToString(file.SHA256[:])):
		return "the checksum is another one"
	default:
		return ""
	}
}

var checksumPattern = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

// The classes of a PeSIT diagnostic.
const (
	classFile       = 2
	classConnection = 3
)

// refusals are the diagnostics by which a bank refuses a transfer before data: who we
// are and our password; then the file, from what is said of it to there being no
// room for it, and the transfer as such.
func refusals() map[int][]int {
	return map[int][]int{
		classConnection: {301, 304},
		classFile:       {200, 201, 202, 203, diagnosticExists, diagnosticNoFile, 206, 207, 226},
	}
}

const (
	diagnosticExists = 204 // there is such a file already
	diagnosticNoFile = 205 // there is no such file
)

var (
	// hexDiagnostic is the three bytes of PeSIT: the class, then the reason.
	hexDiagnostic = regexp.MustCompile(`^0x[0-9A-Fa-f]{6}$`)
	// namedDiagnostic is class and reason in decimals, or the reason, whose hundreds
	// are the class.
	namedDiagnostic = regexp.MustCompile(`^(?:(?:D?2_)?(2\d\d)|(?:D?3_)?(3\d\d))$`)
)

// readDiagnostic gives the class and the reason, zero for what is none.
func readDiagnostic(text string) (class, reason int) {
	const reasonBits = 16
	if hexDiagnostic.MatchString(text) {
		value, err := strconv.ParseUint(text[2:], 16, 32)
		if err != nil {
			return 0, 0
		}
		return int(value >> reasonBits), int(value & (1<<reasonBits - 1))
	}
	found := namedDiagnostic.FindStringSubmatch(text)
	if found == nil {
		return 0, 0
	}
	reason, err := strconv.Atoi(found[1] + found[2]) // one of them is empty
	if err != nil {
		return 0, 0
	}
	return reason / 100, reason
}

func refusedBeforeData(diagnostic string) bool {
	class, reason := readDiagnostic(diagnostic)
	return slices.Contains(refusals()[class], reason)
}
