package iso20022

import (
	"bytes"
	"encoding"
	"encoding/xml"
	"io"
	slash "path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/reglo/reglo/domain/fault"
)

// maxKinds is how many kinds of children an element decoded here may have: a bit each tells which have been seen.
const maxKinds = 64

// Element decodes elements of one kind, one after the other, into a T: one of the types of this package that are made of
// moov's. encoding/xml by itself passes over what it does not know, and of two children that may stand once it keeps the
// last. Here both are faults, as is text beside elements or an element in a text. It is not for several goroutines.
type Element[T any] struct {
	shape   *shape
	places  []place // of the elements in the last one decoded
	decoder *Decoder
}

// NewElement learns from T which elements it is made of.
func NewElement[T any]() *Element[T] {
	return &Element[T]{shape: shapeOf(reflect.TypeFor[T](), "")}
}

// Decode leaves the current element of d, of at most MaxDecoded bytes, and gives what it holds. The order of what is in it
// is free. The error is that of d, whose walk it ends.
func (e *Element[T]) Decode(d *Decoder) (*T, error) {
	into := new(T)
	e.decoder, e.places = d, e.places[:0]

	if d.err != nil {
		return into, d.err
	}

	tokens := &shapedReader{
		decoder: d, start: &xml.StartElement{Name: xml.Name{Local: d.Name()}, Attr: d.attributes}, from: d.offset(),
		open: []opened{{shape: e.shape}}, places: &e.places,
	}

	if err := xml.NewTokenDecoder(tokens).Decode(into); err != nil && d.err == nil {
		d.fail(fault.CodePattern, "does not hold what the message asks for here")
	}

	return into, d.err
}

// Fault gives a fault of the last element decoded, or of what is in it: path is the names of elements with slashes between
// them, and empty for the element itself. The place is that of the first element of this path, or of what it is missing
// from. It is to be called before the decoder walks on. value is what stands there if it may be repeated.
func (e *Element[T]) Fault(path string, code fault.Code, value, reason string) *fault.Fault {
	found := e.decoder.Fault(code, value, reason)
	if path == "" {
		return found
	}

	found.Field += "/" + path

	for at := path; at != "."; at = slash.Dir(at) {
		i := slices.IndexFunc(e.places, func(known place) bool { return known.path == at })
		if i >= 0 {
			found.Line, found.Column = e.places[i].line, e.places[i].column

			break
		}
	}

	return found
}

type place struct {
	path         string
	line, column int
}

// shape is what an element may hold.
type shape struct {
	path     string // of the element in the one decoded
	text     bool   // a text, and no element
	anything bool   // nobody looks at it
	others   bool   // elements that are not among the children too, which nobody looks at
	children []child
}

type child struct {
	name    string
	repeats bool
	shape   *shape
}

// ignored is the shape of what nobody looks at.
func ignored() *shape { return &shape{anything: true} }

func (s *shape) find(name string) (index int, known bool) {
	for i := range s.children {
		if s.children[i].name == name {
			return i, true
		}
	}

	return 0, false
}

// shapeOf gives what encoding/xml reads into a type.
func shapeOf(of reflect.Type, path string) *shape {
	switch {
	case of == reflect.TypeFor[Ignored]():
		return ignored()
	case of.Kind() != reflect.Struct, reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return &shape{path: path, text: true}
	}

	made := &shape{path: path}
	made.take(of)

	if len(made.children) > maxKinds {
		panic(of.String() + " has more children than an Element can tell apart")
	}

	return made
}

// take adds the fields of a struct. Those that it embeds come last, as its own shadow theirs.
func (s *shape) take(of reflect.Type) {
	var embedded []reflect.Type

	for field := range of.Fields() {
		name, flags, _ := strings.Cut(field.Tag.Get("xml"), ",")

		switch {
		case field.Anonymous:
			embedded = append(embedded, field.Type)
		case flags == "chardata":
			s.text = true
		case flags == "any":
			s.others = true
		case flags == "attr", name == "":
		default:
			s.add(name, field.Type)
		}
	}

	for _, inner := range embedded {
		s.take(inner)
	}
}

func (s *shape) add(name string, of reflect.Type) {
	if _, shadowed := s.find(name); shadowed {
		return
	}

	path := name
	if s.path != "" {
		path = s.path + "/" + name
	}

	added := child{name: name}

	if of.Kind() == reflect.Slice {
		added.repeats = true
		of = of.Elem()
	}

	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}

	added.shape = shapeOf(of, path)
	s.children = append(s.children, added)
}

type opened struct {
	shape *shape
	seen  uint64 // children that have been found, a bit each
}

// shapedReader gives an element of a document to encoding/xml, without prefixes, and refuses what has not the shape of it.
type shapedReader struct {
	decoder *Decoder
	start   *xml.StartElement // not given yet
	from    int64             // offset of the document at which it begins
	open    []opened
	places  *[]place
}

// Token gives the next token of the element.
func (r *shapedReader) Token() (xml.Token, error) {
	if r.start != nil {
		start := *r.start
		r.start = nil

		return start, nil
	}

	d := r.decoder

	token, ok := d.next()

	switch {
	case !ok && d.err == nil:
		return nil, io.EOF
	case ok && d.offset()-r.from > MaxDecoded:
		d.fail(CodeLimit, "is in an element of more than "+strconv.Itoa(MaxDecoded)+" bytes")
	}

	if d.err != nil {
		return nil, d.err
	}

	switch found := token.(type) {
	case xml.StartElement:
		if d.push(found) {
			r.enter(found.Name.Local)
		}

		found.Name.Space = ""
		token = found
	case xml.EndElement:
		d.pop(found)
		r.open = r.open[:len(r.open)-1]

		found.Name.Space = ""
		token = found
	case xml.CharData:
		top := r.open[len(r.open)-1].shape
		if !top.text && !top.anything && len(bytes.Trim(found, blanks)) > 0 {
			d.failHere(CodeElement, "holds text beside its elements")
		}
	}

	return token, d.err
}

func (r *shapedReader) enter(name string) {
	d, top := r.decoder, &r.open[len(r.open)-1]

	if top.shape.anything {
		r.open = append(r.open, opened{shape: top.shape})

		return
	}

	index, known := top.shape.find(name)

	switch {
	case known && !top.shape.children[index].repeats && top.seen&(1<<index) != 0:
		d.fail(CodeElement, "stands here twice")
	case known:
		top.seen |= 1 << index
		inner := top.shape.children[index].shape
		line, column := d.elements[d.depth-1].line, d.elements[d.depth-1].column
		*r.places = append(*r.places, place{path: inner.path, line: line, column: column})
		r.open = append(r.open, opened{shape: inner})
	case top.shape.others:
		r.open = append(r.open, opened{shape: ignored()})
	case top.shape.text:
		d.fail(CodeElement, "stands where a text is expected")
	default:
		d.fail(CodeElement, "is no element that the message has here")
	}
}

// Trimmed gives a text without the white space around it, which XML may hold for its looks; nothing for no text.
func Trimmed[T ~string](text *T) string {
	if text == nil {
		return ""
	}

	return strings.Trim(string(*text), blanks)
}
