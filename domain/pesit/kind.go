// Package pesit speaks PeSIT, version E, in its profile outside SIT: the
// protocol by which French banks have exchanged files since 1989. It holds the
// messages (FPDU) as they go over the wire, and a requester's session as a state
// machine: messages in, messages out. Sockets are others' business.
//
// Left out are what the profile makes optional and no partner of ours asks for:
// messages without a file, compression, CRC, resynchronisation, restarts, the
// security of ETEBAC 5 and the pre-connection of X.25.
package pesit

import "fmt"

// Kind is what an FPDU is: its phase in the upper eight bits, its type in the
// lower eight, as octets 3 and 4 of the header have them.
type Kind uint16

// The FPDUs of the connection.
const (
	Connect  Kind = 0x4020
	AConnect Kind = 0x4021 // the connection is accepted
	RConnect Kind = 0x4022 // the connection is refused
	Release  Kind = 0x4023
	RelConf  Kind = 0x4024
	Abort    Kind = 0x4025
)

// The FPDUs about a file.
const (
	Read        Kind = 0xC001
	Write       Kind = 0xC002
	Syn         Kind = 0xC003
	DTFEnd      Kind = 0xC004
	Resyn       Kind = 0xC005
	IDT         Kind = 0xC006 // the transfer is interrupted
	TransEnd    Kind = 0xC008
	Create      Kind = 0xC011
	Select      Kind = 0xC012
	Deselect    Kind = 0xC013
	ORF         Kind = 0xC014 // open the file
	CRF         Kind = 0xC015 // close the file
	AckCreate   Kind = 0xC030
	AckSelect   Kind = 0xC031
	AckDeselect Kind = 0xC032
	AckORF      Kind = 0xC033
	AckCRF      Kind = 0xC034
	AckRead     Kind = 0xC035
	AckWrite    Kind = 0xC036
	AckTransEnd Kind = 0xC037
	AckSyn      Kind = 0xC038
	AckResyn    Kind = 0xC039
	AckIDT      Kind = 0xC03A
)

// The FPDUs that hold the file's content.
const (
	DTF   Kind = 0x0000 // one whole article, or several
	DTFMA Kind = 0x0040 // the middle of an article
	DTFDA Kind = 0x0041 // the beginning of an article
	DTFFA Kind = 0x0042 // the end of an article
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{
		Connect, AConnect, RConnect, Release, RelConf, Abort,
		Read, Write, Syn, DTFEnd, Resyn, IDT, TransEnd, Create, Select, Deselect, ORF, CRF,
		AckCreate, AckSelect, AckDeselect, AckORF, AckCRF, AckRead, AckWrite, AckTransEnd, AckSyn, AckResyn, AckIDT,
		DTF, DTFMA, DTFDA, DTFFA,
	}
}

// IsData tells whether the FPDU holds content of the file instead of parameters.
func (k Kind) IsData() bool { return k == DTF || k == DTFMA || k == DTFDA || k == DTFFA }

// joins tells whether the FPDU may share an entity with others.
func (k Kind) joins() bool { return k.IsData() || k == DTFEnd || k == Syn }

// String is the name that the protocol gives it.
func (k Kind) String() string {
	if ack, asked := k.acknowledges(); ack {
		return "ACK(" + asked.String() + ")"
	}
	if name := k.connectionName(); name != "" {
		return name
	}
	if name := k.fileName(); name != "" {
		return name
	}
	return fmt.Sprintf("FPDU %04X", uint16(k))
}

func (k Kind) fileName() string {
	switch k {
	case Read:
		return "READ"
	case Write:
		return "WRITE"
	case Syn:
		return "SYN"
	case DTFEnd:
		return "DTF.END"
	case Resyn:
		return "RESYN"
	case IDT:
		return "IDT"
	case TransEnd:
		return "TRANS.END"
	case Create:
		return "CREATE"
	case Select:
		return "SELECT"
	case Deselect:
		return "DESELECT"
	case ORF:
		return "ORF"
	case CRF:
		return "CRF"
	default:
		return ""
	}
}

func (k Kind) connectionName() string {
	switch k {
	case Connect:
		return "CONNECT"
	case AConnect:
		return "ACONNECT"
	case RConnect:
		return "RCONNECT"
	case Release:
		return "RELEASE"
	case RelConf:
		return "RELCONF"
	case Abort:
		return "ABORT"
	case DTF:
		return "DTF"
	case DTFMA:
		return "DTFMA"
	case DTFDA:
		return "DTFDA"
	case DTFFA:
		return "DTFFA"
	default:
		return ""
	}
}

// acknowledges gives the FPDU that an acknowledgement answers.
func (k Kind) acknowledges() (ack bool, asked Kind) {
	switch k {
	case AckCreate:
		return true, Create
	case AckSelect:
		return true, Select
	case AckDeselect:
		return true, Deselect
	case AckORF:
		return true, ORF
	case AckCRF:
		return true, CRF
	case AckRead:
		return true, Read
	case AckWrite:
		return true, Write
	case AckTransEnd:
		return true, TransEnd
	case AckSyn:
		return true, Syn
	case AckResyn:
		return true, Resyn
	case AckIDT:
		return true, IDT
	default:
		return false, 0
	}
}

// known tells whether the FPDU is one of this package's.
func (k Kind) known() bool {
	ack, _ := k.acknowledges()
	return ack || k.connectionName() != "" || k.fileName() != ""
}

// place is where an FPDU has a parameter: in a group, or in none.
type place struct{ group, code Code }

// mandatory are the parameters without which an FPDU says nothing.
func (k Kind) mandatory() []place {
	switch k {
	case Connect:
		return []place{{0, Requester}, {0, Server}, {0, Version}, {0, Access}}
	case AConnect:
		return []place{{0, Version}}
	case Create:
		return []place{
			{FileID, FileType},
			{FileID, FileName},
			{0, TransferID},
			{0, Priority},
			{0, EntitySize},
			{LogicalAttributes, ArticleLength},
			{PhysicalAttributes, Reservation},
		}
	case Select:
		return []place{{FileID, FileType}, {FileID, FileName}, {0, TransferID}, {0, Priority}, {0, EntitySize}}
	case Read, AckResyn:
		return []place{{0, RestartPoint}}
	case Resyn:
		return []place{{0, DiagnosticCode}, {0, RestartPoint}}
	case Syn, AckSyn:
		return []place{{0, SyncNumber}}
	case RConnect, Release, Abort, Deselect, CRF, DTFEnd, IDT,
		AckCreate, AckSelect, AckDeselect, AckORF, AckCRF, AckRead, AckWrite, AckTransEnd:
		return []place{{0, DiagnosticCode}}
	default:
		return nil
	}
}
