package pesitwizard

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxOrder is the longest JSON request, in bytes.
	maxOrder = 64 << 10
	// maxField is the longest field of a form, in bytes.
	maxField = 256
)

// handler serves both dialects, and what there is of the stand-in itself. working ends with the program.
func (p *Product) handler(working context.Context) http.Handler {
	mux := http.NewServeMux()
	api := http.NewServeMux()
	api.Handle("POST /api/transfers/send", p.door(func(r *http.Request) reply { return p.sendForm(working, r) }))
	api.Handle("POST /api/transfers/receive", p.door(func(r *http.Request) reply { return p.receiveNumbered(working, r) }))
	api.Handle("GET /api/transfers/{id}/download", http.HandlerFunc(p.download))
	api.Handle("POST /api/webhooks", http.HandlerFunc(p.register))
	api.Handle("POST /api/v1/transfers/send", p.door(func(r *http.Request) reply { return p.orderV1(working, r, sending) }))
	api.Handle("POST /api/v1/transfers/receive", p.door(func(r *http.Request) reply { return p.orderV1(working, r, receiving) }))
	api.HandleFunc("GET /api/v1/transfers/{id}", p.showTransfer)
	api.HandleFunc("GET /api/v1/transfers/correlation/{id}", p.showCorrelated)
	api.HandleFunc("GET /api/v1/servers/name/{name}", p.showServer)
	for _, meddling := range []string{"replay", "resume", "cancel"} {
		api.HandleFunc("POST /api/v1/transfers/{id}/"+meddling, p.meddle)
	}
	mux.Handle("/api/", p.authorized(api))
	mux.HandleFunc("GET /stand-in/files", func(w http.ResponseWriter, _ *http.Request) { write(w, reply{http.StatusOK, p.Kept()}) })
	mux.HandleFunc("PUT /stand-in/faults", p.breakByRequest)
	mux.HandleFunc("POST /stand-in/push", func(w http.ResponseWriter, r *http.Request) { write(w, p.pushAll(working, r)) })
	mux.HandleFunc("POST /stand-in/push/{name}", func(w http.ResponseWriter, r *http.Request) { write(w, p.pushOne(working, r)) })
	mux.HandleFunc("POST /stand-in/release", func(w http.ResponseWriter, _ *http.Request) {
		p.Release()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// reply is an answer with a JSON document; none for nil.
type reply struct {
	status   int
	document any
}

func write(w http.ResponseWriter, answer reply) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	if answer.document != nil {
		_ = json.NewEncoder(w).Encode(answer.document) //nolint:errchkjson // the caller has gone, then
	}
}

// apiError is the product's document for what went wrong.
type apiError struct {
	Timestamp   time.Time    `json:"timestamp"`
	Status      int          `json:"status"`
	Error       string       `json:"error"`
	Message     string       `json:"message"`
	Path        string       `json:"path"`
	FieldErrors []fieldError `json:"fieldErrors"`
}

type fieldError struct {
	Field         string `json:"field"`
	Message       string `json:"message"`
	RejectedValue any    `json:"rejectedValue"`
}

func (p *Product) wrong(r *http.Request, status int, code, message string, fields ...fieldError) reply {
	return reply{status, apiError{p.settings.Clock(), status, code, message, r.URL.Path, fields}}
}

// authorized lets those in who have the key.
func (p *Product) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		right := p.settings.Key == ""
		for _, shown := range []string{bearer, r.Header.Get("X-Api-Key")} {
			right = right || subtle.ConstantTimeCompare([]byte(shown), []byte(p.settings.Key)) == 1
		}
		if !right {
			write(w, p.wrong(r, http.StatusUnauthorized, "Unauthorized", "no key, or another one"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// door is what can go wrong around a request.
func (p *Product) door(work func(*http.Request) reply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, broken := p.take(Unauthorized); broken {
			write(w, p.wrong(r, http.StatusUnauthorized, "Unauthorized", "the key is not taken today"))
			return
		}
		if _, broken := p.take(ServerError); broken {
			write(w, p.wrong(r, http.StatusInternalServerError, "INTERNAL_ERROR", "An internal error occurred."))
			return
		}
		if fault, broken := p.take(Redirect); broken {
			http.Redirect(w, r, fault.Text, http.StatusTemporaryRedirect)
			return
		}
		answer := work(r)
		if fault, broken := p.take(Slow); broken {
			late := time.NewTimer(time.Duration(fault.At) * time.Millisecond)
			defer late.Stop()
			select {
			case <-late.C:
			case <-r.Context().Done():
			}
		}
		if _, broken := p.take(ServerErrorAfter); broken {
			answer = p.wrong(r, http.StatusInternalServerError, "INTERNAL_ERROR", "An internal error occurred.")
		}
		if _, broken := p.take(ReplyLost); broken {
			panic(http.ErrAbortHandler) // the server's way to cut a connection
		}
		if _, broken := p.take(Garbage); broken {
			w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(w, "<html>hello</html>") // the caller has gone, then
			return
		}
		write(w, answer)
	})
}

// numbered is a transfer as the older dialect shows it.
type numbered struct {
	ID         string `json:"id"`
	Status     string `json:"status"`
	Direction  string `json:"direction"`
	Filename   string `json:"filename"`
	Size       *int64 `json:"size,omitempty"`
	Diagnostic string `json:"diagnosticCode,omitempty"`
}

func show(shown transfer) numbered {
	all := numbered{
		ID: shown.ID, Status: shown.Status, Direction: shown.Direction, Filename: shown.Remote, Size: shown.Transferred,
	}
	if shown.Diagnostic != nil {
		all.Diagnostic = *shown.Diagnostic
	}
	return all
}

// formFields are those of a form that sends, besides the file.
func formFields() []string { return []string{"serverId", "remoteFilename", "partnerId", "virtualFile"} }

// sendForm takes a file within a request, and sends it before it answers.
func (p *Product) sendForm(working context.Context, r *http.Request) reply {
	parts, err := r.MultipartReader()
	if err != nil {
		return p.wrong(r, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "want multipart/form-data")
	}
	fields := map[string]string{}
	file, err := p.readForm(parts, fields)
	defer func() {
		if file != "" {
			_ = os.Remove(file) //nolint:gosec // a temporary file that we named
		}
	}()
	if err != nil {
		return p.wrong(r, http.StatusBadRequest, "MALFORMED_REQUEST", "the form is not as agreed")
	}
	var missing []fieldError
	for _, field := range formFields() {
		if fields[field] == "" {
			missing = append(missing, fieldError{field, "is required", nil})
		}
	}
	if len(missing) > 0 || file == "" || !namePattern.MatchString(fields["remoteFilename"]) {
		return p.wrong(r, http.StatusBadRequest, "VALIDATION_ERROR", "Validation failed", missing...)
	}
	number, err := strconv.Atoi(fields["serverId"])
	server, known := p.numberedServer(number)
	if err != nil || !known {
		return p.wrong(r, http.StatusNotFound, "NOT_FOUND", "no such server")
	}
	wanted := asked{
		server: server, partner: fields["partnerId"], local: file, remote: fields["remoteFilename"], direction: sending,
	}
	begun := p.begin(wanted)
	// The bank gets it even when the caller has gone.
	p.end(working, begun, p.send(working, wanted))
	shown, _ := p.find(begun.ID)
	return reply{http.StatusOK, show(shown)}
}

var errForm = errors.New("a form with another field, or one twice")

// readForm gives the path of the file.
func (p *Product) readForm(parts *multipart.Reader, fields map[string]string) (file string, err error) {
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return file, nil
		}
		if err != nil {
			return file, err //nolint:wrapcheck // answered, and not shown
		}
		name := part.FormName()
		switch {
		case name == "file" && file == "":
			file = filepath.Join(p.settings.Offered, ".upload-"+randomName())
			if _, err := place(file, part); err != nil {
				return "", err
			}
		case slices.Contains(formFields(), name) && fields[name] == "":
			value, err := io.ReadAll(io.LimitReader(part, maxField))
			if err != nil {
				return file, err //nolint:wrapcheck // answered, and not shown
			}
			fields[name] = string(value)
		default:
			return file, errForm
		}
	}
}

func (p *Product) numberedServer(number int) (Server, bool) {
	at := slices.IndexFunc(p.settings.Servers, func(s Server) bool { return s.Number == number })
	if at < 0 {
		return Server{}, false
	}
	return p.settings.Servers[at], true
}

func (p *Product) namedServer(name string) (Server, bool) {
	at := slices.IndexFunc(p.settings.Servers, func(s Server) bool { return s.Name == name })
	if at < 0 {
		return Server{}, false
	}
	return p.settings.Servers[at], true
}

// receiveNumbered fetches a file of the bank before it answers.
func (p *Product) receiveNumbered(working context.Context, r *http.Request) reply {
	var order struct {
		ServerID       int    `json:"serverId"`
		RemoteFilename string `json:"remoteFilename"`
		PartnerID      string `json:"partnerId"`
		VirtualFile    string `json:"virtualFile"`
	}
	if err := readOrder(r, &order); err != nil {
		return p.wrong(r, http.StatusBadRequest, "MALFORMED_REQUEST", "Invalid JSON format")
	}
	server, known := p.numberedServer(order.ServerID)
	if !known {
		return p.wrong(r, http.StatusNotFound, "NOT_FOUND", "no such server")
	}
	if !namePattern.MatchString(order.RemoteFilename) || order.VirtualFile == "" {
		return p.wrong(r, http.StatusBadRequest, "VALIDATION_ERROR", "Validation failed",
			fieldError{"remoteFilename", "is required", order.RemoteFilename})
	}
	wanted := asked{
		server: server, partner: order.PartnerID, remote: order.RemoteFilename, direction: receiving,
		local: filepath.Join(p.settings.Offered, ".received-"+randomName()),
	}
	begun := p.begin(wanted)
	p.end(working, begun, p.receive(wanted))
	shown, _ := p.find(begun.ID)
	return reply{http.StatusOK, show(shown)}
}

// download gives what was sent or received, where it is still there.
func (p *Product) download(w http.ResponseWriter, r *http.Request) {
	found, known := p.find(r.PathValue("id"))
	path := found.LocalFilename
	if found.Direction == sending {
		path = filepath.Join(p.settings.Received, found.Remote)
	}
	file, err := os.Open(path)
	if !known || err != nil {
		write(w, p.wrong(r, http.StatusNotFound, "NOT_FOUND", "Resource not found"))
		return
	}
	defer func() { _ = file.Close() }() // only read
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.Copy(w, file) // the caller has gone, then
}

func readOrder(r *http.Request, into any) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOrder))
	if err != nil {
		return err //nolint:wrapcheck // answered, and not shown
	}
	return json.Unmarshal(body, into) //nolint:wrapcheck // answered, and not shown
}

// orderV1 takes an order, and carries it out after the answer.
func (p *Product) orderV1(working context.Context, r *http.Request, direction string) reply {
	var order struct {
		Server         string `json:"server"`
		PartnerID      string `json:"partnerId"`
		Filename       string `json:"filename"`
		RemoteFilename string `json:"remoteFilename"`
		VirtualFile    string `json:"virtualFile"`
		CorrelationID  string `json:"correlationId"`
	}
	if err := readOrder(r, &order); err != nil {
		return p.wrong(r, http.StatusBadRequest, "MALFORMED_REQUEST", "Invalid JSON format")
	}
	var missing []fieldError
	for field, value := range map[string]string{
		"server": order.Server, "partnerId": order.PartnerID, "filename": order.Filename, "remoteFilename": order.RemoteFilename,
	} {
		if value == "" {
			missing = append(missing, fieldError{field, "is required", value})
		}
	}
	if len(missing) > 0 || !namePattern.MatchString(order.RemoteFilename) {
		return p.wrong(r, http.StatusBadRequest, "VALIDATION_ERROR", "Validation failed", missing...)
	}
	server, known := p.namedServer(order.Server)
	if _, broken := p.take(OtherServer); broken || !known {
		server = p.settings.Servers[0]
	}
	if order.CorrelationID == "" {
		order.CorrelationID = randomName()
	}
	wanted := asked{
		server: server, partner: order.PartnerID, local: order.Filename, remote: order.RemoteFilename,
		correlation: order.CorrelationID, direction: direction,
	}
	var size *int64
	if direction == sending {
		about, err := os.Stat(order.Filename)
		if err != nil {
			return p.wrong(r, http.StatusInternalServerError, "INTERNAL_ERROR", "An internal error occurred.")
		}
		size = new(about.Size())
	}
	begun := p.start(working, wanted, size)
	if _, broken := p.take(TwoTransfers); broken {
		p.start(working, wanted, size)
	}
	return reply{http.StatusAccepted, accepted{
		TransferID: begun.ID, CorrelationID: begun.CorrelationID, Direction: begun.Direction, Status: begun.Status,
		ServerName: begun.ServerName, Local: begun.LocalFilename, Remote: begun.Remote, FileSize: size,
	}}
}

// accepted is the answer to an order.
type accepted struct {
	TransferID    string `json:"transferId"`
	CorrelationID string `json:"correlationId"`
	Direction     string `json:"direction"`
	Status        string `json:"status"`
	ServerName    string `json:"serverName"`
	Local         string `json:"localFilename"`
	Remote        string `json:"remoteFilename"`
	FileSize      *int64 `json:"fileSize"`
}

// start begins a transfer and carries it out meanwhile. It gives it as it was then.
func (p *Product) start(working context.Context, wanted asked, size *int64) transfer {
	begun := p.begin(wanted)
	p.lock.Lock()
	begun.FileSize = size
	first := *begun
	p.lock.Unlock()
	p.running.run(func() {
		if wanted.direction == sending {
			p.end(working, begun, p.send(working, wanted))
		} else {
			p.end(working, begun, p.receive(wanted))
		}
	})
	return first
}

func (p *Product) showTransfer(w http.ResponseWriter, r *http.Request) {
	found, known := p.find(r.PathValue("id"))
	if !known {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	write(w, reply{http.StatusOK, found})
}

func (p *Product) showCorrelated(w http.ResponseWriter, r *http.Request) {
	all := p.correlated(r.PathValue("id"))
	if len(all) == 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	write(w, reply{http.StatusOK, all})
}

func (p *Product) showServer(w http.ResponseWriter, r *http.Request) {
	server, known := p.namedServer(r.PathValue("name"))
	if !known {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	write(w, reply{http.StatusOK, map[string]any{
		"id": strconv.Itoa(server.Number), "name": server.Name, "enabled": !server.Disabled,
		"defaultServer": server == p.settings.Servers[0],
	}})
}

func (p *Product) meddle(w http.ResponseWriter, r *http.Request) {
	p.lock.Lock()
	p.meddled++
	p.lock.Unlock()
	write(w, p.wrong(r, http.StatusConflict, "CONFLICT", "the stand-in does not do that"))
}

// breakByRequest takes a list of faults.
func (p *Product) breakByRequest(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	err := readOrder(r, &faults)
	for i := range faults {
		err = errors.Join(err, faults[i].check())
	}
	if err != nil {
		write(w, p.wrong(r, http.StatusBadRequest, "MALFORMED_REQUEST", ErrFault.Error()))
		return
	}
	p.Break(faults...)
	w.WriteHeader(http.StatusNoContent)
}
