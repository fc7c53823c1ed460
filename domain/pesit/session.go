package pesit

import (
	"errors"
	"fmt"
)

// Order is what a requester asks of a partner: one file, to be sent or to be
// received.
type Order struct {
	Receive bool // from the partner, instead of sending to it

	Requester string   // who we are, 1 to 24 characters
	Server    string   // whom we call, 1 to 24 characters
	Password  Password // 16 characters at most

	FileName   string // as the two have agreed on, 1 to 76 characters: often that of a flow
	Label      string // the file's own name, 80 characters at most, empty for none
	TransferID uint32 // 1 to 2^24-1 for a file that is sent, 0 for one that is received
	Client     string // on whose behalf, 24 characters at most, empty for none
	Bank       string // for whom in the end, 24 characters at most, empty for none
	Created    string // of a file that is sent, AAMMJJhhmmss, empty for none
	Bytes      int64  // of a file that is sent

	EntitySize uint16 // of the longest entity that we propose, bytes
	Sync       SyncOption
	// Format and ArticleLength are those of a file that is sent: Fixed articles of
	// so many bytes, or Variable ones of so many at most, see Session.ArticleLength.
	Format        byte
	ArticleLength uint16
	// Several puts several articles into an FPDU. There is no negotiating it: the
	// two have agreed on it.
	Several bool
}

const (
	// MaxTransferID is the highest number of a transfer: three bytes have it.
	MaxTransferID = 1<<24 - 1
	// MinEntitySize is the shortest longest entity that is of use.
	MinEntitySize = 128

	connection   = 1 // our number of the connection: there is one a session
	reservedUnit = 0 // kilobytes
)

// OrderError is an order that no session can begin with. It never shows a value.
type OrderError struct {
	Field  string
	Reason string
}

// Error says what is wrong with which field.
func (e *OrderError) Error() string { return e.Field + ": " + e.Reason }

// Check is nil for an order that a session can begin with, otherwise an
// *OrderError.
func (o *Order) Check() error {
	texts := []struct {
		name, value string
		code        Code
		needed      bool
	}{
		{"requester", o.Requester, Requester, true},
		{"server", o.Server, Server, true},
		{"password", o.Password.reveal(), AccessControl, false},
		{"file name", o.FileName, FileName, true},
		{"label", o.Label, Label, false},
		{"client", o.Client, Client, false},
		{"bank", o.Bank, Bank, false},
		{"creation date", o.Created, Created, false},
	}
	for _, text := range texts {
		if reason := wrongText(text.value, text.code.limit(), text.needed); reason != "" {
			return &OrderError{text.name, reason}
		}
	}
	switch {
	case o.EntitySize < MinEntitySize:
		return &OrderError{"size of entities", fmt.Sprintf("%d bytes, of %d at least", o.EntitySize, MinEntitySize)}
	case o.Receive && o.TransferID != 0:
		return &OrderError{"transfer number", "a file that is received has the partner's number"}
	case o.Receive:
		return nil
	default:
		return o.checkContent()
	}
}

// checkContent is about a file that is sent.
func (o *Order) checkContent() error {
	switch {
	case o.TransferID == 0 || o.TransferID > MaxTransferID:
		return &OrderError{"transfer number", fmt.Sprintf("%d, of 1 to %d", o.TransferID, MaxTransferID)}
	case o.ArticleLength == 0:
		return &OrderError{"article length", "0 bytes"}
	case o.Format != Fixed && o.Format != Variable:
		return &OrderError{"article format", fmt.Sprintf("%#02x, of 0x00 and 0x80", o.Format)}
	case o.Bytes < 0:
		return &OrderError{"size", "below zero"}
	case o.Format == Fixed && o.Bytes%int64(o.ArticleLength) != 0:
		return &OrderError{"size", fmt.Sprintf("%d bytes are no whole number of articles of %d", o.Bytes, o.ArticleLength)}
	default:
		return nil
	}
}

// wrongText says what is wrong with a text of the wire.
func wrongText(text string, limit int, needed bool) string {
	if needed && text == "" {
		return "missing"
	}
	if len(text) > limit {
		return fmt.Sprintf("%d characters, of %d at most", len(text), limit)
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return "not of printable ASCII characters"
		}
	}
	if text != "" && text[len(text)-1] == ' ' {
		return "a blank at its end, which the protocol drops"
	}
	return ""
}

// RefusalError is a partner that said no: to a request, by an ABORT, or by
// interrupting the transfer.
type RefusalError struct {
	By         Kind // the FPDU that said it
	Diagnostic Diagnostic
}

// Error is what was said.
func (e *RefusalError) Error() string {
	return fmt.Sprintf("the partner said %s: %s", e.By, e.Diagnostic)
}

// ProtocolError is a partner that does not keep to the protocol, or to what was
// agreed on.
type ProtocolError struct {
	Got    Kind // the FPDU that is wrong
	Reason string
	// Diagnostic is what the partner was told.
	Diagnostic Diagnostic
}

// Error says what is wrong.
func (e *ProtocolError) Error() string { return fmt.Sprintf("%s: %s", e.Got, e.Reason) }

// ErrGivenUp is a session that the requester aborted.
var ErrGivenUp = errors.New("the session was given up")

// ErrLost is a session whose connection ended too early.
var ErrLost = errors.New("the connection was lost")

// state is what the session waits for.
type state int

const (
	idle         state = iota
	connecting         // ACONNECT
	selecting          // ACK(CREATE), ACK(SELECT)
	opening            // ACK(ORF)
	starting           // ACK(WRITE), ACK(READ)
	transferring       // content: ours to be given, or the partner's
	received           // Confirm
	ending             // ACK(TRANS.END)
	closing            // ACK(CRF)
	deselecting        // ACK(DESELECT)
	releasing          // RELCONF
	over
)

// Session is a requester's side of one connection, for one file. It is not safe
// for use by several goroutines at once.
//
// What a method gives is to be sent, in order; after Done, the connection is to
// be closed. The methods never fail: what goes wrong ends the session, Err has
// it, and Delivery what it means.
type Session struct {
	order Order
	state state
	peer  byte // the partner's number of the connection
	sync  SyncOption
	size  int // of the longest entity that was agreed on
	err   error

	pending []FPDU // content that waits for the window
	ended   bool   // all content was given
	unsaid  int    // bytes since the last point
	synced  uint32 // number of the last point that was sent, or received
	acked   uint32 // number of the last point that was acknowledged

	said      bool // TRANS.END was given to be sent
	accepted  bool // and the partner said that it has the file
	late      *Diagnostic
	bytes     int64
	articles  int64
	inArticle int // bytes of the article that is being received, -1 between articles
	file      File
}

// File is what the partner says of a file that is received.
type File struct {
	FileName      string // the partner's: not to be trusted, nor to be logged
	Label         string // likewise
	TransferID    uint32
	Format        byte
	ArticleLength uint16 // 0 when it does not say
	Described     bool   // Format and ArticleLength were said
	// Counted tells that the partner gave the counts of what it sent, and that they
	// are those of what came.
	Counted bool
}

// NewSession begins a session. The error is an *OrderError.
func NewSession(order Order) (*Session, error) {
	if err := order.Check(); err != nil {
		return nil, err
	}
	return &Session{order: order, inArticle: -1}, nil
}

// Open gives what begins the session.
func (s *Session) Open() []FPDU {
	if s.state != idle {
		return nil
	}
	s.state = connecting
	access := uint64(WriteAccess)
	if s.order.Receive {
		access = ReadAccess
	}
	parameters := []Parameter{
		Text(Requester, s.order.Requester), Text(Server, s.order.Server), Number(Version, VersionE), Number(Access, access),
		Number(Resynchronisation, 0),
	}
	if s.order.Sync.Interval != 0 {
		parameters = append(parameters, s.order.Sync.Parameter())
	}
	parameters = addText(parameters, AccessControl, s.order.Password.reveal())
	return []FPDU{New(Connect, 0, connection, parameters...)}
}

func addText(to []Parameter, code Code, value string) []Parameter {
	if value == "" {
		return to
	}
	return append(to, Text(code, value))
}

// Done tells that the session is over.
func (s *Session) Done() bool { return s.state == over }

// Err is why the session did not do what it was for, nil when nothing went
// wrong so far.
func (s *Session) Err() error { return s.err }

// Ready tells that content may be given: to Write, or by End.
func (s *Session) Ready() bool {
	return s.state == transferring && !s.order.Receive && !s.ended && len(s.pending) == 0
}

// ArticleLength is the length of the articles that Write takes, when Ready, or
// the most they may have: variable ones are no longer than the partner wants its
// points of synchronisation apart.
func (s *Session) ArticleLength() int { return int(s.order.ArticleLength) }

// Received tells that all content has come: Confirm says that it is kept.
func (s *Session) Received() bool { return s.state == received }

// Transferred counts the content that was sent or received.
func (s *Session) Transferred() (bytes, articles int64) { return s.bytes, s.articles }

// File is what the partner said of the file that is received.
func (s *Session) File() File { return s.file }

// Delivery says what is known of the file that was to be sent. The commit point
// is the acknowledgement of TRANS.END: before that is given to be sent, the partner
// has not been told that the file is whole, and does not keep it; after
// the acknowledgement it has said that it holds it; between them nobody knows.
// A partner that refuses at that point may hold the file all the same.
func (s *Session) Delivery() Delivery {
	switch {
	case s.accepted:
		return Accepted
	case s.said:
		return Unknown
	default:
		return NotDelivered
	}
}

// Ending tells that the partner was told that the file is whole, and has not
// answered yet: what it does meanwhile takes longer than other answers.
func (s *Session) Ending() bool { return s.state == ending }

// LateDiagnostic is what the partner said of a file after it had accepted it,
// and false when that was nothing.
func (s *Session) LateDiagnostic() (Diagnostic, bool) {
	if s.late == nil {
		return Success, false
	}
	return *s.late, true
}

// Abort ends the session at once.
func (s *Session) Abort(diagnostic Diagnostic) []FPDU {
	begun := s.state != idle && s.state != over
	s.fail(fmt.Errorf("%s: %w", diagnostic, ErrGivenUp))
	s.state = over
	if !begun {
		return nil
	}
	return []FPDU{New(Abort, s.peer, connection, diagnostic.Parameter())}
}

// Lost ends a session whose connection has ended.
func (s *Session) Lost() {
	if s.state != over {
		s.fail(ErrLost)
		s.state = over
	}
}

// fail keeps the first failure. What comes after the file was accepted does not
// fail it any more.
func (s *Session) fail(err error) {
	if s.err == nil && !s.accepted {
		s.err = err
	}
}

// violated ends a session with a partner that does something else.
func (s *Session) violated(got Kind, diagnostic Diagnostic, reason string) []FPDU {
	s.fail(&ProtocolError{Got: got, Reason: reason, Diagnostic: diagnostic})
	s.state = over
	return []FPDU{New(Abort, s.peer, connection, diagnostic.Parameter())}
}

// request makes an FPDU about the file.
func (s *Session) request(kind Kind, parameters ...Parameter) FPDU {
	return New(kind, s.peer, 0, parameters...)
}

// Receive takes an FPDU of the partner's. It gives what is to be sent, and the
// content that has come, in slices of the FPDU.
func (s *Session) Receive(f FPDU) (send []FPDU, content [][]byte) {
	switch {
	case s.state == over:
		return nil, nil
	case f.Kind == Abort, f.Kind == RConnect && s.state == connecting:
		s.refused(f.Kind, f.Parameters.Diagnostic())
		s.state = over
		return nil, nil
	case f.Dst != connection:
		return s.violated(f.Kind, Reason(reasonProtocol), "for another connection"), nil
	case f.Kind == IDT && s.state >= transferring && s.state <= ending:
		return s.interrupted(f), nil
	case s.state == transferring && s.order.Receive:
		return s.receiveContent(f)
	case s.state == closing && f.Kind == AckSyn:
		return nil, nil // it was on its way when the partner interrupted the transfer
	case f.Kind != s.awaited():
		return s.violated(f.Kind, Reason(reasonProtocol), "instead of "+s.awaited().String()), nil
	case s.state == transferring:
		return s.acknowledged(f), nil
	default:
		return s.answered(f), nil
	}
}

// interrupted ends a transfer that the partner does not want to go on with, even
// where the interruption has crossed TRANS.END.
func (s *Session) interrupted(f FPDU) []FPDU {
	s.refused(f.Kind, f.Parameters.Diagnostic())
	s.state = closing
	return []FPDU{s.request(AckIDT), s.request(CRF, Success.Parameter())}
}

// awaited is the answer to what was asked last.
func (s *Session) awaited() Kind {
	switch s.state {
	case connecting:
		return AConnect
	case selecting:
		if s.order.Receive {
			return AckSelect
		}
		return AckCreate
	case opening:
		return AckORF
	case starting:
		if s.order.Receive {
			return AckRead
		}
		return AckWrite
	case transferring:
		return AckSyn
	case ending:
		return AckTransEnd
	case closing:
		return AckCRF
	case deselecting:
		return AckDeselect
	case releasing:
		return RelConf
	default:
		return Abort // idle and received: nothing was asked for
	}
}

// refused keeps that the partner said no.
func (s *Session) refused(by Kind, diagnostic Diagnostic) {
	if s.accepted {
		s.late = &diagnostic
	}
	s.fail(&RefusalError{By: by, Diagnostic: diagnostic})
}

// answered goes on from the answer that was awaited, or closes what was
// opened when it is no.
func (s *Session) answered(f FPDU) []FPDU {
	diagnostic := f.Parameters.Diagnostic()
	if !diagnostic.OK() {
		s.refused(f.Kind, diagnostic)
	}
	switch s.state {
	case connecting:
		return s.connected(f)
	case selecting:
		if !diagnostic.OK() {
			return s.release()
		}
		return s.selected(f)
	case opening:
		if !diagnostic.OK() {
			return s.deselect()
		}
		return s.opened()
	case starting:
		if !diagnostic.OK() {
			return s.closeFile()
		}
		return s.started(f)
	case ending:
		if diagnostic.OK() {
			s.settled(f)
		}
		return s.closeFile()
	case closing:
		return s.deselect()
	case deselecting:
		return s.release()
	default: // releasing
		s.state = over
		return nil
	}
}

func (s *Session) connected(f FPDU) []FPDU {
	if f.Src == 0 {
		return s.violated(f.Kind, Reason(reasonProtocol), "has no number of the connection")
	}
	s.peer = f.Src
	if version := f.Parameters.Number(Version); version != VersionE {
		return s.violated(f.Kind, Reason(308), fmt.Sprintf("version %d, where we speak %d", version, VersionE))
	}
	agreed := f.Parameters.SyncOption()
	if !agreed.within(s.order.Sync) {
		return s.violated(f.Kind, Reason(reasonSyncNegotiation), "wider points of synchronisation than were proposed")
	}
	if agreed.Interval != 0 {
		s.sync = agreed
	}
	if interval := s.interval(); interval > 0 && int(s.order.ArticleLength) > interval {
		if !s.order.Receive && s.order.Format == Fixed {
			return s.violated(f.Kind, Reason(reasonSyncNegotiation), "points of synchronisation inside of articles")
		}
		s.order.ArticleLength = uint16(interval) //nolint:gosec // below another one
	}
	s.state = selecting
	return []FPDU{s.selection()}
}

// interval is how many bytes may stand between two points, 0 for no limit.
func (s *Session) interval() int {
	if s.sync.Interval == Undefined {
		return 0
	}
	return int(s.sync.Interval) * Kilobyte
}

// selection is CREATE, or SELECT.
func (s *Session) selection() FPDU {
	order := &s.order
	parameters := []Parameter{
		Number(FileType, 0).In(FileID), Text(FileName, order.FileName).In(FileID),
		Number(TransferID, uint64(order.TransferID)), Number(Priority, NormalPriority), Number(EntitySize, uint64(order.EntitySize)),
	}
	parameters = addText(parameters, Client, order.Client)
	parameters = addText(parameters, Bank, order.Bank)
	if order.Receive {
		return s.request(Select, append(parameters, Number(RequestedAttributes, AllAttributes), Number(Restarted, 0))...)
	}
	reserved := (order.Bytes + Kilobyte - 1) / Kilobyte
	parameters = append(
		parameters, Number(Restarted, 0), Number(DataCode, Binary),
		Number(ArticleFormat, uint64(order.Format)).In(LogicalAttributes),
		Number(ArticleLength, uint64(order.ArticleLength)).In(LogicalAttributes),
		Number(ReservationUnit, reservedUnit).In(PhysicalAttributes),
		Number(Reservation, uint64(min(reserved, 1<<32-1))).In(PhysicalAttributes), //nolint:gosec // above zero, as Check wants it
	)
	if order.Label != "" {
		parameters = append(parameters, Text(Label, order.Label).In(LogicalAttributes))
	}
	if order.Created != "" {
		parameters = append(parameters, Text(Created, order.Created).In(HistoricalAttributes))
	}
	return s.request(Create, parameters...)
}

func (s *Session) selected(f FPDU) []FPDU {
	size := f.Parameters.Number(EntitySize)
	if size < MinEntitySize || size > uint64(s.order.EntitySize) {
		return s.violated(f.Kind, Reason(reasonNegotiation),
			fmt.Sprintf("entities of %d bytes, of %d to %d", size, MinEntitySize, s.order.EntitySize))
	}
	s.size = int(size) //nolint:gosec // 65,535 at most
	if s.order.Receive {
		s.file = File{
			FileName: f.Parameters.Text(FileName), Label: f.Parameters.Text(Label),
			TransferID: uint32(f.Parameters.Number(TransferID)), //nolint:gosec // three bytes, as it was read
			Described:  f.Parameters.Has(ArticleLength),
			//nolint:gosec // one byte, as it was read
			Format:        byte(f.Parameters.Number(ArticleFormat)),
			ArticleLength: uint16(f.Parameters.Number(ArticleLength)), //nolint:gosec // two bytes, as it was read
		}
	}
	s.state = opening
	return []FPDU{s.request(ORF)}
}

func (s *Session) opened() []FPDU {
	s.state = starting
	if s.order.Receive {
		return []FPDU{s.request(Read, Number(RestartPoint, 0))}
	}
	return []FPDU{s.request(Write)}
}

// started wants the partner to begin where the file does.
func (s *Session) started(f FPDU) []FPDU {
	if point := f.Parameters.Number(RestartPoint); point != 0 {
		reason := fmt.Sprintf("from point %d on, of a file that goes from its beginning", point)
		return s.violated(f.Kind, Reason(reasonRestartPoint), reason)
	}
	s.state = transferring
	return nil
}

// settled takes the partner's word that it has the file, unless it counts
// something else.
func (s *Session) settled(f FPDU) {
	bytes, counted := f.Parameters.Number(ByteCount), f.Parameters.Has(ByteCount)
	articles, articlesCounted := f.Parameters.Number(ArticleCount), f.Parameters.Has(ArticleCount)
	//nolint:gosec // counts of ours, above zero
	if (counted && bytes != uint64(s.bytes)) || (articlesCounted && articles != uint64(s.articles)) {
		s.fail(&ProtocolError{
			Got: f.Kind, Diagnostic: Reason(reasonCounts),
			Reason: fmt.Sprintf("%d bytes in %d articles, where %d in %d went over", bytes, articles, s.bytes, s.articles),
		})
		return
	}
	s.file.Counted = counted
	s.accepted = true
}

// closeFile, deselect and release undo what was opened, from the inside out.
func (s *Session) closeFile() []FPDU {
	s.state = closing
	return []FPDU{s.request(CRF, s.verdict().Parameter())}
}

func (s *Session) deselect() []FPDU {
	s.state = deselecting
	return []FPDU{s.request(Deselect, s.verdict().Parameter())}
}

func (s *Session) release() []FPDU {
	s.state = releasing
	return []FPDU{New(Release, s.peer, connection, Success.Parameter())}
}

// verdict is what the partner is told of the transfer.
func (s *Session) verdict() Diagnostic {
	if broken, ok := errors.AsType[*ProtocolError](s.err); ok {
		return broken.Diagnostic
	}
	return Success
}
