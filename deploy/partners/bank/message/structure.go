package message

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// element is what the bank takes of an ISO message: which elements stand in which others, in what order, how often.
// encoding/xml by itself takes any order, passes over what it does not know, and keeps the last of two.
type element struct {
	name     string
	from, to int       // how often
	inside   []element // nil when it holds a text
	any      bool      // whatever stands in it is passed over
}

const unbounded = 1 << 30 // as many as the message is long

func one(name string, inside ...element) element {
	return element{name: name, from: 1, to: 1, inside: inside}
}

func maybe(name string, inside ...element) element {
	return element{name: name, from: 0, to: 1, inside: inside}
}

func several(name string, inside ...element) element {
	return element{name: name, from: 1, to: unbounded, inside: inside}
}

// whatever may be there, and the bank does nothing with it.
func whatever(name string) element { return element{name: name, from: 0, to: unbounded, any: true} }

// orders is what the bank takes of a pain.001: all that a SEPA transfer needs, and of the rest what changes nothing in it.
// What it cannot do, such as cheques, other currencies or addresses without a structure, has no place.
func orders(definition string) element {
	bic, date := "BIC", one("ReqdExctnDt")
	if definition == Pain001V09 {
		bic, date = "BICFI", one("ReqdExctnDt", one("Dt"))
	}

	var (
		address = maybe("PstlAdr", maybe("StrtNm"), maybe("BldgNb"), maybe("PstCd"), one("TwnNm"), one("Ctry"))
		account = one("Id", one("IBAN"))
		agent   = one("FinInstnId", maybe(bic), maybe("Othr", one("Id")))
		payment = maybe("PmtTpInf", maybe("InstrPrty"), maybe("SvcLvl", one("Cd")), whatever("LclInstrm"), whatever("CtgyPurp"))
		charges = maybe("ChrgBr")
		behind  = maybe("UltmtDbtr", maybe("Nm"), whatever("Id"))
	)

	return one("Document", one("CstmrCdtTrfInitn",
		one("GrpHdr",
			one("MsgId"), one("CreDtTm"), one("NbOfTxs"), one("CtrlSum"), one("InitgPty", maybe("Nm"), whatever("Id")),
		),
		several("PmtInf",
			one("PmtInfId"), one("PmtMtd"), maybe("BtchBookg"), maybe("NbOfTxs"), maybe("CtrlSum"), payment, date,
			one("Dbtr", one("Nm"), address, whatever("Id")), one("DbtrAcct", account, maybe("Ccy")), one("DbtrAgt", agent),
			behind, charges,
			several("CdtTrfTxInf",
				one("PmtId", maybe("InstrId"), one("EndToEndId")), payment, one("Amt", one("InstdAmt")), charges, behind,
				maybe("CdtrAgt", agent), one("Cdtr", one("Nm"), address, whatever("Id")), one("CdtrAcct", account),
				maybe("UltmtCdtr", maybe("Nm"), whatever("Id")), whatever("Purp"), maybe("RmtInf", maybe("Ustrd"), whatever("Strd")),
			),
		),
	))
}

// structure holds a message against what the bank takes.
type structure struct {
	decoder *xml.Decoder
	space   string   // the only namespace
	path    []string // of the element that is read
}

// definition looks at the root of a message and gives its definition; it is empty for what is no ISO message.
func definition(content []byte) string {
	decoder := xml.NewDecoder(bytes.NewReader(content))

	for {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}

		if root, is := token.(xml.StartElement); is {
			name, _ := strings.CutPrefix(root.Name.Space, namespace)

			return name
		}
	}
}

// checkStructure gives a *RefusedError, or nothing for a message that is built as one of the definition.
func checkStructure(content []byte, definition string) *RefusedError {
	s := structure{decoder: xml.NewDecoder(bytes.NewReader(content)), space: namespace + definition}
	if err := s.children([]element{orders(definition)}); err != nil {
		return err
	}

	return nil
}

func (s *structure) refuse(reason string) *RefusedError {
	line, _ := s.decoder.InputPos()

	return &RefusedError{Code: CodeFormat, Line: line, Path: strings.Join(s.path, "/"), Reason: reason}
}

// next gives the next element that begins, or nil at the end of the one around it.
func (s *structure) next() (*xml.StartElement, *RefusedError) {
	for {
		token, err := s.decoder.Token()

		switch {
		case errors.Is(err, io.EOF) && len(s.path) == 0:
			return nil, nil
		case err != nil:
			return nil, s.refuse("is not well-formed XML in UTF-8")
		}

		switch token := token.(type) {
		case xml.StartElement:
			return &token, s.checkStart(&token)
		case xml.EndElement:
			return nil, nil
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return nil, s.refuse("holds text where only elements may stand")
			}
		case xml.Directive:
			return nil, s.refuse("has a document type, which no message has")
		case xml.ProcInst:
			if token.Target != "xml" {
				return nil, s.refuse("has a processing instruction, which no message has")
			}
		}
	}
}

func (s *structure) checkStart(start *xml.StartElement) *RefusedError {
	if start.Name.Space != s.space {
		return s.refuse("holds an element of another namespace")
	}

	for i, attribute := range start.Attr {
		space, name := attribute.Name.Space, attribute.Name.Local
		known := space == "xmlns" || space == "" && name == "xmlns" || // a namespace is declared
			strings.HasSuffix(space, "XMLSchema-instance") && name == "schemaLocation" ||
			start.Name.Local == "InstdAmt" && space == "" && name == "Ccy"
		again := slices.ContainsFunc(start.Attr[:i], func(other xml.Attr) bool { return other.Name == attribute.Name })

		if !known || again {
			return s.refuse("holds an element with an attribute that it has not, or twice")
		}
	}

	return nil
}

// children reads the elements in one that has begun, up to its end.
func (s *structure) children(allowed []element) *RefusedError {
	place, count := 0, 0

	for {
		start, refused := s.next()
		if refused != nil {
			return refused
		}

		for place < len(allowed) && (start == nil || allowed[place].name != start.Name.Local || count == allowed[place].to) {
			if count < allowed[place].from {
				return s.refuse("lacks " + allowed[place].name)
			}

			place, count = place+1, 0
		}

		switch {
		case start == nil:
			return nil
		case place == len(allowed):
			return s.refuse("holds an element that has no place there, or not in that order")
		}

		count++

		if refused := s.child(&allowed[place]); refused != nil {
			return refused
		}
	}
}

// child reads one element.
func (s *structure) child(of *element) *RefusedError {
	s.path = append(s.path, of.name)
	defer func() { s.path = s.path[:len(s.path)-1] }()

	switch {
	case of.any:
		if err := s.decoder.Skip(); err != nil {
			return s.refuse("is not well-formed XML in UTF-8")
		}

		return nil
	case of.inside != nil:
		return s.children(of.inside)
	default:
		return s.leaf()
	}
}

// leaf reads an element that holds a text.
func (s *structure) leaf() *RefusedError {
	long := 0

	for {
		token, err := s.decoder.Token()
		if err != nil {
			return s.refuse("is not well-formed XML in UTF-8")
		}

		switch token := token.(type) {
		case xml.CharData:
			long += len(token)
		case xml.EndElement:
			if long == 0 {
				return s.refuse("is empty")
			}

			return nil
		case xml.StartElement:
			return s.refuse("holds an element where a text stands")
		}
	}
}
