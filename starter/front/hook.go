package front

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/reglo/reglo/domain/webhook"
)

// HookPattern is the route of [Hook].
const HookPattern = "POST /hooks/pesit/{server}"

const (
	// keepTimeout is for one row of the database, on one that is busy: the product
	// gives up soon after, and sends again.
	keepTimeout = 5 * time.Second
	// wakeTimeout is how long the product waits for us to tell Temporal, where that
	// does not answer: the notice is safe by then.
	wakeTimeout = time.Second
)

// Notices keeps what the product announces.
type Notices interface {
	// Keep returns once the notice is safe, and tells whether it is new: one that
	// comes again changes nothing.
	Keep(ctx context.Context, server string, notice webhook.Notice) (fresh bool, err error)
}

// Waker has files received now, instead of at the next turn of the clock.
type Waker interface {
	Wake(ctx context.Context) error
}

// HookParts are what a hook is made of.
type HookParts struct {
	// Server is the partner of which the product tells.
	Server string
	// Header is the header of signatures.
	Header   string
	Secret   webhook.Secret
	Notices  Notices
	Waker    Waker
	Registry prometheus.Registerer
	Clock    func() time.Time
	Log      *slog.Logger
}

// Hook takes the notices of the file transfer product. One that is not signed is
// not believed, and one that is proves nothing: it says where to look.
type Hook struct {
	parts    HookParts
	outcomes *prometheus.CounterVec
}

// outcome is what became of a notice.
type outcome string

const (
	outcomeFresh       outcome = "fresh"
	outcomeRepeated    outcome = "repeated"
	outcomeNobody      outcome = "unknown_server"
	outcomeTooLong     outcome = "too_long"
	outcomeBroken      outcome = "broken_off"
	outcomeForged      outcome = "forged"
	outcomeMalformed   outcome = "malformed"
	outcomeStale       outcome = "stale"
	outcomeUnavailable outcome = "unavailable"
)

// NewHook makes a hook. The error is [webhook.ErrSecret], or that of metrics that
// are there already.
func NewHook(parts HookParts) (*Hook, error) {
	if len(parts.Secret) < webhook.MinSecret {
		return nil, webhook.ErrSecret
	}
	h := &Hook{parts: parts, outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "notices_total",
		Help: "Notices of the file transfer product, by what became of them.",
	}, []string{"outcome"})}
	if err := parts.Registry.Register(h.outcomes); err != nil {
		return nil, fmt.Errorf("register metrics of notices: %w", err)
	}
	return h, nil
}

// ServeHTTP takes one notice, and answers when it is safe.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("server") != h.parts.Server {
		h.refuse(w, r, http.StatusNotFound, outcomeNobody, errors.New("no such server"))
		return
	}
	text, err := body(w, r, webhook.MaxBody)
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		w.Header().Set("Connection", "close") // the rest is not read
		h.refuse(w, r, http.StatusRequestEntityTooLarge, outcomeTooLong, webhook.ErrTooLong)
		return
	}
	if err != nil {
		h.refuse(w, r, http.StatusBadRequest, outcomeBroken, errors.New("the body broke off"))
		return
	}
	notice, err := webhook.Read(h.parts.Secret, signatureOf(r, h.parts.Header), text, h.parts.Clock())
	switch {
	case errors.Is(err, webhook.ErrSignature):
		h.refuse(w, r, http.StatusUnauthorized, outcomeForged, err)
	case errors.Is(err, webhook.ErrStale):
		h.refuse(w, r, http.StatusBadRequest, outcomeStale, err)
	case err != nil:
		h.refuse(w, r, http.StatusBadRequest, outcomeMalformed, err)
	default:
		h.keep(w, r, notice)
	}
}

// signatureOf is the one that was sent, none when there are several to choose from.
func signatureOf(r *http.Request, header string) string {
	if all := r.Header.Values(header); len(all) == 1 {
		return all[0]
	}
	return ""
}

// refuse answers what is wrong. The error repeats nothing of the body.
func (h *Hook) refuse(w http.ResponseWriter, r *http.Request, status int, why outcome, err error) {
	h.outcomes.WithLabelValues(string(why)).Inc()
	h.parts.Log.WarnContext(r.Context(), "a notice is refused", "outcome", string(why), "peer", PeerOf(r.Context()).String(), "error", err)
	say(w, status, err.Error())
}

// keep has a notice kept, also when the caller has hung up meanwhile, and has it
// looked at.
func (h *Hook) keep(w http.ResponseWriter, r *http.Request, notice webhook.Notice) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), keepTimeout)
	defer cancel()
	log := h.parts.Log.With("server", h.parts.Server, "event", string(notice.Event), "transfer", notice.Transfer.ID,
		"direction", string(notice.Transfer.Direction))
	fresh, err := h.parts.Notices.Keep(ctx, h.parts.Server, notice)
	if err != nil {
		h.outcomes.WithLabelValues(string(outcomeUnavailable)).Inc()
		log.ErrorContext(ctx, "a notice is not kept; it is to be sent again", "error", err)
		again(w, "the notice is not kept: send it again")
		return
	}
	if !fresh {
		h.outcomes.WithLabelValues(string(outcomeRepeated)).Inc()
		log.InfoContext(ctx, "a notice came again")
		say(w, http.StatusOK, "known")
		return
	}
	h.outcomes.WithLabelValues(string(outcomeFresh)).Inc()
	log.InfoContext(ctx, "a notice is kept")
	h.wake(ctx, log)
	say(w, http.StatusOK, "taken")
}

// wake has files received now. Without it they are at the clock's next turn.
func (h *Hook) wake(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, wakeTimeout)
	defer cancel()
	if err := h.parts.Waker.Wake(ctx); err != nil {
		log.WarnContext(ctx, "nobody looks at the notice before the next reception by the clock", "error", err)
	}
}
