package layout

// What a descriptor reads.
const (
	ReadsCRE       = "cre"       // settlement.Record: records header, line, trailer
	ReadsMerchants = "merchants" // merchant.Row: record merchant
	ReadsPayline   = "payline"   // payline.Record: records header, movement, transfer, trailer
)

// The encodings and line endings of a descriptor.
const (
	EncodingUTF8   = "utf-8"
	EncodingLatin1 = "latin-1"
	EndingLF       = "lf"
	EndingCRLF     = "crlf"
)

// The types of fields.
const (
	TypeText        = "text"              // as it stands, without the spaces around it
	TypeDigits      = "digits"            // digits only
	TypeCents       = "cents"             // an amount of digits only, its last two the cents; leading zeros and spaces are allowed
	TypeSigned      = "signed cents"      // the same, with '+' or '-' before or behind it
	TypeOverpunched = "overpunched cents" // the same, its last digit and its sign in one character, as in CFONB files
	TypeDate        = "date"              // a day, or a day with its hour, by a pattern
)

// MaxColumns is the largest number of columns of a delimited line that a layout reads; files of this trade have some
// dozens. Columns beyond it are counted, and cannot be named.
const MaxColumns = 128

// Descriptor is how a site writes a file. Its zero values are those of keys that are left out.
type Descriptor struct {
	Name          string // of the descriptor, in errors
	Reads         string // one of the Reads constants
	Encoding      string // EncodingUTF8 when empty
	LineEnding    string // EndingLF when empty
	ByteOrderMark bool   // the file begins with the UTF-8 byte order mark

	LineLength int    // of a fixed-width file, in characters: that of every line; 0 takes a line that ends early as if filled with spaces
	Separator  string // of a delimited file, one character; a file without one has its fields by position
	Quoted     bool   // values of a delimited file may stand between double quotes, a quote inside them doubled
	HeaderRow  bool   // the first line of a delimited merchants' file names the columns

	Mark    *Part             // where a line says which record it is; nil when all lines are of one kind
	Ignore  []string          // marks of records that say nothing to us
	Records map[string]Record // by kind: header, line, trailer; movement, transfer; or merchant

	Lines map[string]int // line of the descriptor on which each path stands, "records.line.is"
}

// Record is one kind of lines.
type Record struct {
	Is      []string // the marks that tell it
	Columns int      // that a delimited line of it must have; 0 when more than are named may stand there
	Fields  map[string]Field
}

// Part is a piece of a line: characters Start to Start+Length-1 of it, or of one of its columns. All are counted from 1.
type Part struct {
	Start, Length int
	Column        int // of a delimited line; all of it when Start and Length are 0
}

// Field is how one field of a record is written: a part of the line, several parts put together, a constant, or none.
type Field struct {
	Part

	Parts    []Part            // put together without anything between them
	Constant *string           // what the field is in every file, as our own format writes it
	None     bool              // the site's files have no such field, and the control that needs it is left out
	Title    string            // of the column in the header row, controlled when it is given
	Type     string            // one of the Type constants, TypeText when empty
	Pattern  string            // of a date: yyyy, yy (2000 to 2099), MM, dd, HH, mm, ss, XXX (offset), 'text'; yyyyMMdd when empty
	Values   map[string]string // from what the site writes to what our own format writes; anything else is refused
	Point    string            // character between euros and cents, when amounts have one
	Sign     *Sign             // of TypeCents, when it stands elsewhere in the line
	Subtract int               // from a number, when the site counts more lines than we do
}

// Sign is where the sign of an amount stands, and what it may be.
type Sign struct {
	Part

	Plus, Minus []string
}
