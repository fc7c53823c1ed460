// Package iso20022 reads messages of ISO 20022 that a bank sent: XML, of which it takes what such a message needs and
// refuses the rest, in bounded memory and time whatever the bytes are.
package iso20022

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/fault"
)

const (
	// MaxBytes is the largest file, in bytes. A statement of 100,000 entries with their details has about 100 MB.
	MaxBytes = 1 << 30
	// MaxToken is the longest tag, text, comment or CDATA section, in bytes of UTF-8, and the longest text of an element. The
	// longest text of these messages has some thousand characters.
	MaxToken = 64 << 10
	// MaxDepth is how many elements may stand in one another. The deepest of these messages have about twenty.
	MaxDepth = 64
	// MaxName is the longest name of an element, in bytes. ISO abbreviates them to some twenty.
	MaxName = 64
	// MaxAttributes is how many attributes an element may have. The root has its namespaces, an amount its currency.
	MaxAttributes = 16
	// MaxDecoded is the largest element that an Element decodes at once, in bytes of UTF-8: one payment or one status of it, with
	// all that may be said of it, has some thousand bytes.
	MaxDecoded = 1 << 20

	// Namespace begins the namespace of every message; its definition follows.
	Namespace = "urn:iso:std:iso:20022:tech:xsd:"
	// NotProvided stands where a message must have an identifier, of an order or of a bank, and who writes it has none.
	NotProvided = "NOTPROVIDED"

	rootName       = "Document"
	schemaInstance = "http://www.w3.org/2001/XMLSchema-instance"
	currency       = "Ccy" // the one attribute that a message of ISO 20022 has
	xmlns          = "xmlns"
	blanks         = " \t\r\n"

	holdsInstruction  = "holds an instruction, which a message may not"
	holdsDocumentType = "holds a document type, which a message may not"
)

// The codes of faults of a document, beside those of package fault.
const (
	CodeSyntax    fault.Code = "XML"           // not well-formed XML 1.0
	CodeForbidden fault.Code = "XML_FORBIDDEN" // a document type, an entity or an instruction
	CodeLimit     fault.Code = "XML_LIMIT"     // too long, too large or too deep
	CodeNamespace fault.Code = "NAMESPACE"     // not the namespace of the root
	CodeElement   fault.Code = "ELEMENT"       // an element or an attribute where it may not stand, or text in its place
)

// definition is the name of a message with its version, such as camt.053.001.08.
var definition = regexp.MustCompile(`^[a-z]{4}\.\d{3}\.\d{3}\.\d{2}$`)

// Message is which message a document holds.
type Message struct {
	Definition string // with its version, such as camt.053.001.08
	Name       string // of the element in the root, such as BkToCstmrStmt
}

// Decoder walks through a document: XML 1.0 in UTF-8, or in ISO-8859-1 if it says so; no document type, no entity but the
// five of XML, no instruction but the declaration; every element in the namespace of the root, and no attribute but
// namespaces, the place of the schema, and the currency of amounts.
//
// The walk goes from an element to its children by Child, and leaves each of them by Text, Skip, the Decode of an Element,
// or by walking through its own children until Child finds no more. An error stays: after it Child finds nothing, Text is empty, and Err
// and End give it. Errors of the document are *fault.Fault with line, column and the path of the element; they never repeat
// its text. An error of the source is wrapped.
type Decoder struct {
	name   string
	source *source
	xml    *xml.Decoder
	origin int64 // offset of the document at which xml began
	opened bool

	namespace string
	bindings  []xml.Attr // the namespaces that the root declares, by prefix

	elements   [MaxDepth]element // elements[:depth] are open
	depth      int
	left       bool // elements[depth] has just been left: it is the current one
	attributes []xml.Attr
	text       []byte

	done bool
	err  error
}

type element struct {
	name         xml.Name // Space is the prefix
	line, column int
}

// NewDecoder reads a document from source, from its first byte. name is the file's in faults and errors.
func NewDecoder(name string, source io.Reader) *Decoder {
	return &Decoder{name: name, source: newSource(source)}
}

// Message reads the root and the element in it, whose children Child gives next. It refuses a message that is none of the
// definitions, such as another version of one of them, with the code fault.CodeFormat; no definition means any.
func (d *Decoder) Message(definitions ...string) (Message, error) {
	d.open()

	if !d.enter() {
		return Message{}, d.err
	}

	if d.Name() != rootName {
		d.fail(fault.CodeFormat, "must be "+rootName+", the root of a message of ISO 20022")

		return Message{}, d.err
	}

	said, isMessage := strings.CutPrefix(d.namespace, Namespace)
	if !isMessage || !definition.MatchString(said) {
		d.err = d.Fault(fault.CodeFormat, d.namespace, "is no namespace of a message of ISO 20022")

		return Message{}, d.err
	}

	if len(definitions) > 0 && !slices.Contains(definitions, said) {
		d.err = d.Fault(fault.CodeFormat, said,
			"is another message, or another version, than what is read here: "+strings.Join(definitions, ", "))

		return Message{}, d.err
	}

	if !d.Child() {
		if d.err == nil {
			d.fail(fault.CodeMissing, "must hold a message")
		}

		return Message{}, d.err
	}

	return Message{Definition: said, Name: d.Name()}, nil
}

func (d *Decoder) open() {
	if d.opened {
		return
	}

	d.opened = true

	if found := d.source.open(); found != nil {
		found.File = d.name
		d.err = found

		return
	}

	d.origin = d.source.base + int64(d.source.position)
	d.xml = xml.NewDecoder(d.source)
}

// enter goes to the root.
func (d *Decoder) enter() bool {
	for {
		token, ok := d.next()
		if !ok {
			return false
		}

		switch token := token.(type) {
		case xml.StartElement:
			return d.push(token)
		case xml.CharData:
			if !d.blank(token, "text stands in front of the root") {
				return false
			}
		case xml.EndElement:
			d.failHere(CodeSyntax, "an element ends that has not begun")

			return false
		}
	}
}

// Child goes into the next child of the current element, or out of that element when there is none, and tells which.
func (d *Decoder) Child() bool {
	for {
		token, ok := d.next()
		if !ok {
			return false
		}

		switch token := token.(type) {
		case xml.StartElement:
			return d.push(token)
		case xml.EndElement:
			d.pop(token)

			return false
		case xml.CharData:
			if !d.blank(token, "holds text beside its elements") {
				return false
			}
		}
	}
}

// Name gives the name of the current element: the one that Child has gone into, or the one just left.
func (d *Decoder) Name() string { return d.elements[d.current()].name.Local }

// Currency gives the attribute Ccy of the element that Child has gone into last, also after Text; empty when it has none.
func (d *Decoder) Currency() string {
	for i := range d.attributes {
		if d.attributes[i].Name.Local == currency {
			return d.attributes[i].Value
		}
	}

	return ""
}

// Line gives the line, from 1, on which the current element begins.
func (d *Decoder) Line() int { return d.elements[d.current()].line }

// Text leaves the current element and gives its text, without white space around it. The bytes are valid until the walk
// goes on.
func (d *Decoder) Text() []byte {
	d.text = d.text[:0]

	for {
		token, ok := d.next()
		if !ok {
			return nil
		}

		switch token := token.(type) {
		case xml.CharData:
			if len(d.text)+len(token) > MaxToken {
				d.fail(CodeLimit, "holds more than "+strconv.Itoa(MaxToken)+" bytes of text")

				return nil
			}

			d.text = append(d.text, token...)
		case xml.EndElement:
			d.pop(token)

			return bytes.Trim(d.text, blanks)
		case xml.StartElement:
			if d.push(token) {
				d.fail(CodeElement, "stands where a text is expected")
			}

			return nil
		}
	}
}

// Skip leaves the current element and all that is in it. What it holds is controlled as anything else of the document.
func (d *Decoder) Skip() {
	for depth := d.depth; d.depth >= depth; {
		token, ok := d.next()
		if !ok {
			return
		}

		switch token := token.(type) {
		case xml.StartElement:
			d.push(token)
		case xml.EndElement:
			d.pop(token)
		}
	}
}

// Err gives the first error.
func (d *Decoder) Err() error { return d.err }

// Fault gives a fault of the current element, with its place and path: of the one that Child has gone into last, or the one
// that was left since. value is what stands there if it may be repeated: it must not name anybody.
func (d *Decoder) Fault(code fault.Code, value, reason string) *fault.Fault {
	current := &d.elements[d.current()]

	return &fault.Fault{
		File: d.name, Line: current.line, Column: current.column, Field: d.Path(),
		Value: fault.Printable([]byte(value)), Code: code, Reason: reason,
	}
}

// Path gives the current element as its name behind those of the elements that it stands in, with slashes between them.
func (d *Decoder) Path() string {
	names := make([]string, 0, MaxDepth)

	for _, open := range d.elements[:min(d.current()+1, MaxDepth)] {
		if open.name.Local != "" {
			names = append(names, open.name.Local)
		}
	}

	return strings.Join(names, "/")
}

// End reads to the end of the file, and refuses what follows the message and the root. It gives the SHA-256 of all bytes of
// the file and how many there are.
func (d *Decoder) End() (sum [sha256.Size]byte, size int64, err error) {
	d.open()

	if d.depth > 0 && d.Child() {
		d.fail(CodeElement, "is a second message in one document")
	}

	for d.err == nil && !d.done {
		token, ok := d.next()
		if !ok {
			break
		}

		switch token := token.(type) {
		case xml.StartElement:
			d.failHere(CodeSyntax, "a second root follows the root")
		case xml.EndElement:
			d.failHere(CodeSyntax, "the end of an element follows the root")
		case xml.CharData:
			d.blank(token, "text follows the root")
		}
	}

	if d.err != nil {
		return sum, 0, d.err
	}

	d.source.digest.Sum(sum[:0])

	return sum, d.source.bytes, nil
}

// current is the index of the current element.
func (d *Decoder) current() int {
	if d.left {
		return d.depth
	}

	return max(d.depth-1, 0)
}

func (d *Decoder) offset() int64 { return d.origin + d.xml.InputOffset() }

// next gives the next token: the start or the end of an element, text, or a comment.
func (d *Decoder) next() (xml.Token, bool) {
	if d.err != nil || d.done {
		return nil, false
	}

	d.source.begin(d.offset())

	token, err := d.xml.RawToken()
	if failed := d.source.failed; err == nil && !errors.Is(failed, io.EOF) {
		err = failed // encoding/xml would first give the text that came before
	}

	if err != nil {
		d.refuse(err)

		return nil, false
	}

	switch token := token.(type) {
	case xml.Comment: // of all tokens, encoding/xml does not look into this one
		if !utf8.Valid(token) || bytes.ContainsFunc(token, control) {
			d.failHere(fault.CodeControl, "holds a comment with bytes that are not UTF-8, or with control characters")

			return nil, false
		}
	case xml.ProcInst:
		d.failHere(CodeForbidden, holdsInstruction)

		return nil, false
	case xml.Directive:
		d.failHere(CodeForbidden, holdsDocumentType)

		return nil, false
	}

	return token, true
}

// control tells characters that XML does not know.
func control(char rune) bool {
	return char < ' ' && !strings.ContainsRune(blanks, char) || char == 0xfffe || char == 0xffff
}

// push goes into an element.
func (d *Decoder) push(start xml.StartElement) bool {
	if d.depth == MaxDepth {
		d.failHere(CodeLimit, "holds elements deeper than "+strconv.Itoa(MaxDepth))

		return false
	}

	name := start.Name
	line, column := d.source.place(d.source.base + int64(d.source.mark))

	d.left, d.attributes = false, start.Attr

	if !sound(name.Local) {
		d.failHere(CodeElement, "holds an element whose name is none of ISO 20022")

		return false
	}

	d.elements[d.depth] = element{name: name, line: line, column: column}
	d.depth++

	if len(start.Attr) > 0 || d.depth == 1 {
		d.checkAttributes()
	}

	if d.err != nil {
		return false
	}

	if d.depth == 1 {
		d.namespace, _ = d.bound(name.Space)
	}

	if name.Space == d.elements[0].name.Space {
		return true
	}

	if namespace, known := d.bound(name.Space); !known || namespace != d.namespace {
		d.fail(CodeNamespace, "is not in the namespace of the root")
	}

	return d.err == nil
}

// sound tells whether an element may have the name: letters and digits of ASCII, as many as MaxName.
func sound(name string) bool {
	if len(name) > MaxName {
		return false
	}

	for i := range len(name) {
		if char := name[i]; (char|0x20 < 'a' || char|0x20 > 'z') && (char < '0' || char > '9') && char != '_' {
			return false
		}
	}

	return true
}

// bound gives the namespace that the root declares for a prefix.
func (d *Decoder) bound(prefix string) (string, bool) {
	for i := range d.bindings {
		if d.bindings[i].Name.Local == prefix {
			return d.bindings[i].Value, true
		}
	}

	return "", false
}

// checkAttributes controls the attributes of the current element, and keeps the namespaces that the root declares.
func (d *Decoder) checkAttributes() {
	if len(d.attributes) > MaxAttributes {
		d.fail(CodeLimit, "has more than "+strconv.Itoa(MaxAttributes)+" attributes")

		return
	}

	for i := range d.attributes {
		attribute := &d.attributes[i]

		for j := range i {
			if d.attributes[j].Name == attribute.Name {
				d.fail(CodeSyntax, "has an attribute twice")

				return
			}
		}

		if prefix, declares := declared(attribute.Name); declares {
			d.declare(prefix, attribute.Value)
		}
	}

	for i := range d.attributes {
		name := d.attributes[i].Name
		if _, declares := declared(name); declares || name == (xml.Name{Local: currency}) {
			continue
		}

		if bound, _ := d.bound(name.Space); name.Space == "" || bound != schemaInstance ||
			name.Local != "schemaLocation" && name.Local != "noNamespaceSchemaLocation" {
			d.fail(CodeElement, "has an attribute that is none of ISO 20022")
		}
	}
}

// declared tells whether an attribute declares a namespace, and for which prefix.
func declared(name xml.Name) (prefix string, declares bool) {
	if name.Space == xmlns {
		return name.Local, true
	}

	return "", name.Space == "" && name.Local == xmlns
}

// declare takes a namespace that the root declares. Elements in it may repeat that.
func (d *Decoder) declare(prefix, namespace string) {
	if d.depth == 1 {
		d.bindings = append(d.bindings, xml.Attr{Name: xml.Name{Local: prefix}, Value: namespace})

		return
	}

	if bound, known := d.bound(prefix); !known || bound != namespace {
		d.fail(CodeNamespace, "declares a namespace that the root does not")
	}
}

// pop goes out of an element.
func (d *Decoder) pop(end xml.EndElement) {
	if d.elements[d.depth-1].name != end.Name {
		d.failHere(CodeSyntax, "ends an element that is not the one that is open")

		return
	}

	d.depth--
	d.left = true
}

// blank refuses text that is more than white space.
func (d *Decoder) blank(text xml.CharData, reason string) bool {
	if len(bytes.Trim(text, blanks)) == 0 {
		return true
	}

	token := d.source.token()
	before := len(token) - len(bytes.TrimLeft(token, blanks))
	d.failAt(d.source.base+int64(d.source.mark+before), CodeElement, reason)

	return false
}

// fail ends the walk at the current element.
func (d *Decoder) fail(code fault.Code, reason string) {
	if d.err == nil {
		d.err = d.Fault(code, "", reason)
	}
}

// failHere ends the walk at the token that has been read last, in the open element.
func (d *Decoder) failHere(code fault.Code, reason string) {
	d.failAt(d.source.base+int64(d.source.mark), code, reason)
}

func (d *Decoder) failAt(offset int64, code fault.Code, reason string) {
	if d.err != nil {
		return
	}

	d.left = false
	found := d.Fault(code, "", reason)

	if d.depth == 0 {
		found.Field = ""
	}

	found.Line, found.Column = d.source.place(offset)
	d.err = found
}

// refuse says what an error of encoding/xml, or of the source below it, means. What it says itself can repeat the document.
func (d *Decoder) refuse(err error) {
	syntax, isSyntax := errors.AsType[*xml.SyntaxError](err)
	token := d.source.token()

	switch {
	case d.source.failed != nil && !errors.Is(d.source.failed, io.EOF):
		d.refuseSource(d.source.failed)
	case errors.Is(err, io.EOF) && d.depth == 0 && d.namespace != "":
		d.done = true
	case bytes.HasPrefix(token, []byte("<?")):
		d.failHere(CodeForbidden, holdsInstruction)
	case bytes.HasPrefix(token, []byte("<!D")):
		d.failHere(CodeForbidden, holdsDocumentType)
	case errors.Is(err, io.EOF) || isSyntax && strings.HasPrefix(syntax.Msg, "unexpected EOF"):
		d.failAt(d.offset(), fault.CodeTruncated, "is cut: the file ends before its root does")
	case isSyntax && isText(token):
		d.failAt(d.source.base+int64(d.source.mark+unreadable(token)), syntaxCode(syntax.Msg), syntaxReason(syntax.Msg))
	case isSyntax:
		d.failAt(d.offset(), syntaxCode(syntax.Msg), syntaxReason(syntax.Msg))
	default:
		d.failAt(d.offset(), CodeSyntax, "is not well-formed XML")
	}
}

// refuseSource says what ended the bytes before their end.
func (d *Decoder) refuseSource(failed error) {
	switch {
	case errors.Is(failed, errTokenTooLong) && bytes.HasPrefix(d.source.token(), []byte("<!D")):
		d.failHere(CodeForbidden, holdsDocumentType)
	case errors.Is(failed, errTokenTooLong):
		d.failHere(CodeLimit, "holds a tag, a text or a comment of more than "+strconv.Itoa(MaxToken)+" bytes")
	case errors.Is(failed, errFileTooLong):
		d.failAt(d.offset(), CodeLimit, "is in a file of more than "+strconv.Itoa(MaxBytes)+" bytes: have it split")
	case errors.Is(failed, errNotLatin1):
		d.failAt(d.offset(), fault.CodeEncoding, "holds a byte that is no character of ISO-8859-1, which the file declares")
	default:
		line, _ := d.source.place(d.offset())
		d.err = fmt.Errorf("read %s: at line %d: %w", d.name, line, failed)
	}
}

func isText(token []byte) bool { return !bytes.HasPrefix(token, []byte{'<'}) }

// unreadable is where a text stops being characters of XML, or becomes an entity; 0 if it does neither.
func unreadable(text []byte) int {
	for i := 0; i < len(text); {
		char, size := utf8.DecodeRune(text[i:])
		if char == utf8.RuneError && size == 1 || control(char) || char == '&' && !known(text[i+1:]) {
			return i
		}

		i += size
	}

	return 0
}

// known tells whether a text begins with one of the entities of XML, or with the number of a character.
func known(entity []byte) bool {
	return slices.ContainsFunc([]string{"lt;", "gt;", "amp;", "apos;", "quot;", "#"}, func(name string) bool {
		return bytes.HasPrefix(entity, []byte(name))
	})
}

func syntaxCode(message string) fault.Code {
	switch {
	case message == "invalid UTF-8":
		return fault.CodeEncoding
	case strings.HasPrefix(message, "illegal character code"):
		return fault.CodeControl
	case strings.HasPrefix(message, "invalid character entity"):
		return CodeForbidden
	default:
		return CodeSyntax
	}
}

func syntaxReason(message string) string {
	switch code := syntaxCode(message); {
	case code == fault.CodeEncoding:
		return "holds bytes that are not UTF-8; a file in ISO-8859-1 must declare it"
	case code == fault.CodeControl:
		return "holds a control character, or another one that XML does not know"
	case code == CodeForbidden:
		return "holds an entity that is none of XML's five, or an ampersand that is not written &amp;"
	case strings.HasPrefix(message, "unescaped"), strings.HasPrefix(message, "unquoted"),
		strings.HasPrefix(message, "expected"), strings.HasPrefix(message, "attribute name"):
		return "is not well-formed XML: " + message
	default:
		return "is not well-formed XML"
	}
}
