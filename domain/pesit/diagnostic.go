package pesit

import (
	"encoding/binary"
	"fmt"
)

// Diagnostic is what became of a request: PI 2.
type Diagnostic struct {
	Type   byte   // 0 success, 1 transmission, 2 file, 3 connection: the reason's hundreds
	Reason uint16 // 0 for success
}

// Success is the diagnostic of what went well.
//
//nolint:gochecknoglobals // a constant, if Go had constants of structs
var Success = Diagnostic{}

// The diagnostics that this package gives or names.
const (
	reasonTransmission       = 100
	reasonAttributes         = 200
	reasonFileExists         = 204
	reasonFileUnknown        = 205
	reasonFileBusy           = 207
	reasonRestartPoint       = 214
	reasonArticleTooLong     = 220
	reasonAbnormalEnd        = 223
	reasonStationCongested   = 225
	reasonTransferRefused    = 226
	reasonServerUnknown      = 301
	reasonRequesterForbidden = 304
	reasonSyncNegotiation    = 307
	reasonProtocol           = 311
	reasonByTheUser          = 312
	reasonNegotiation        = 315
	reasonParameter          = 318
	reasonCounts             = 319
)

// Reason gives the diagnostic of a reason, the type of which is its hundreds.
func Reason(reason uint16) Diagnostic {
	return Diagnostic{Type: byte(reason / 100), Reason: reason} //nolint:gosec // 655 hundreds at most, and reasons are below 400
}

// OK tells success from all else.
func (d Diagnostic) OK() bool { return d == Success }

// Parameter is the diagnostic as an FPDU has it.
func (d Diagnostic) Parameter() Parameter {
	return Parameter{Code: DiagnosticCode, Value: binary.BigEndian.AppendUint16([]byte{d.Type}, d.Reason)}
}

// String is the diagnostic's two numbers and what they mean.
func (d Diagnostic) String() string {
	meaning := d.meaning()
	if meaning == "" || d.Type != byte(d.Reason/100) { //nolint:gosec // 655 hundreds at most
		meaning = "not in the protocol's list"
	}
	return fmt.Sprintf("%d %03d (%s)", d.Type, d.Reason, meaning)
}

// Delivery says what is known of a file that was sent.
type Delivery int

// What is known of a file.
const (
	// NotDelivered is a file that the partner does not have, and will not get.
	NotDelivered Delivery = iota
	// Accepted is a file of which the partner said that it has it whole.
	Accepted
	// Unknown is a file that the partner may have or may not have.
	Unknown
)

// String names it.
func (d Delivery) String() string {
	switch d {
	case NotDelivered:
		return "NOT_DELIVERED"
	case Accepted:
		return "ACCEPTED"
	default:
		return "UNKNOWN"
	}
}

// Delivery says what the diagnostic by itself, without knowing when it was
// given, says of a file that was to be sent. Only what is said before any content is
// sure not to be delivered; whoever knows when it was given knows more, see
// [Session.Delivery].
func (d Diagnostic) Delivery() Delivery {
	switch {
	case d.OK():
		return Accepted
	case d.Type != byte(d.Reason/100): //nolint:gosec // 655 hundreds at most
		return Unknown
	case d.Reason >= reasonAttributes && d.Reason <= reasonFileBusy,
		d.Reason == reasonTransferRefused, d.Reason == reasonServerUnknown, d.Reason == reasonRequesterForbidden:
		return NotDelivered
	default:
		return Unknown
	}
}

// Diagnostics are all of the protocol's list, success first.
func Diagnostics() []Diagnostic {
	all := []Diagnostic{Success}
	for reason := uint16(reasonTransmission); reason < 400; reason++ {
		if d := Reason(reason); d.meaning() != "" {
			all = append(all, d)
		}
	}
	return all
}

// meaning is what the protocol says a reason is, empty for what it does not list.
func (d Diagnostic) meaning() string {
	switch {
	case d.Reason == 0:
		return "success"
	case d.Reason == reasonTransmission:
		return "transmission error"
	case d.Reason < 300:
		return fileMeanings()[d.Reason]
	default:
		return connectionMeanings()[d.Reason]
	}
}

// fileMeanings are of the diagnostics about files.
func fileMeanings() map[uint16]string {
	return map[uint16]string{
		reasonAttributes:       "the file's attributes do not suffice",
		201:                    "system resources are short for now",
		202:                    "user resources are short for now",
		203:                    "the transfer has no priority",
		reasonFileExists:       "the file exists already",
		reasonFileUnknown:      "there is no such file",
		206:                    "the file would exceed the disk quota",
		reasonFileBusy:         "the file is busy",
		208:                    "the file is too old",
		209:                    "a message of this type is not accepted there",
		210:                    "the presentation could not be agreed on",
		211:                    "the file cannot be opened",
		212:                    "the file cannot be closed",
		213:                    "input or output error",
		reasonRestartPoint:     "the restart point could not be agreed on",
		215:                    "error of the system",
		216:                    "stopped early on purpose",
		217:                    "too many points of synchronisation without acknowledgement",
		218:                    "resynchronisation is not possible",
		219:                    "the room for the file is used up",
		reasonArticleTooLong:   "an article is longer than expected",
		221:                    "the delay for the end of the transmission is over",
		222:                    "too much data without a point of synchronisation",
		reasonAbnormalEnd:      "the transfer ended abnormally",
		224:                    "the file is bigger than announced",
		reasonStationCongested: "the file arrived, but could not be passed on",
		reasonTransferRefused:  "the transfer is refused",
		299:                    "another reason about the file",
	}
}

// connectionMeanings are of the diagnostics about connections.
func connectionMeanings() map[uint16]string {
	return map[uint16]string{
		300:                      "the local communication system is congested",
		reasonServerUnknown:      "the called partner is not known",
		302:                      "the called partner is not attached",
		303:                      "the remote communication system is congested",
		reasonRequesterForbidden: "the caller is not authorised",
		305:                      "SELECT could not be agreed on",
		306:                      "RESYN could not be agreed on",
		reasonSyncNegotiation:    "SYNC could not be agreed on",
		308:                      "the version is not supported",
		309:                      "too many connections already",
		310:                      "incident of the network",
		reasonProtocol:           "the other side broke the protocol",
		reasonByTheUser:          "the service was closed by the user",
		313:                      "cut for being idle",
		314:                      "unused, cut to make room for another",
		reasonNegotiation:        "negotiation failed",
		316:                      "cut by an administrator",
		317:                      "a delay is over",
		reasonParameter:          "a parameter is missing or illegal",
		reasonCounts:             "the counts of bytes or articles are wrong",
		320:                      "too many resynchronisations",
		321:                      "call the backup number",
		322:                      "call again later",
		399:                      "another reason about the connection",
	}
}
