package front

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/reglo/reglo/activities/payment"
	"github.com/reglo/reglo/domain/systempay"
)

// NotificationPattern is the route of [Notifications].
const NotificationPattern = "POST /ipn/systempay/{shop}"

// Taker takes in what the gateway tells.
type Taker interface {
	// Awaits tells whether a message to a shop may come from an address, see
	// [payment.Desk.Awaits].
	Awaits(shop string, peer netip.Addr) bool
	// Take gives the answer of a message once it is safe, see [payment.Desk.Take].
	Take(ctx context.Context, shop string, peer netip.Addr, body []byte) (payment.Answer, error)
}

// Ringer has what was taken in looked at.
type Ringer interface {
	Ring()
}

// NotificationParts are what notifications are taken by.
type NotificationParts struct {
	Taker    Taker
	Bell     Ringer
	Registry prometheus.Registerer
	Log      *slog.Logger
}

// Notifications takes what the card payment gateway tells, for all shops.
type Notifications struct {
	parts    NotificationParts
	outcomes *prometheus.CounterVec
}

// Labels of messages that have no outcome.
const (
	unavailableLabel = "UNAVAILABLE"
	noShopLabel      = "NO_SHOP"
	brokenOffLabel   = "BROKEN_OFF"
)

// NewNotifications makes it. The error is of metrics that are there already.
func NewNotifications(parts NotificationParts) (*Notifications, error) {
	n := &Notifications{parts: parts, outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "payment_notifications_total",
		Help: "Messages that came as notifications of card payments, by what became of them; of refused ones not all are kept.",
	}, []string{"shop", "outcome", "kept"})}
	if err := parts.Registry.Register(n.outcomes); err != nil {
		return nil, fmt.Errorf("register metrics of payment notifications: %w", err)
	}
	return n, nil
}

// ServeHTTP takes one message, also when the gateway has hung up meanwhile, and
// answers when it is safe.
func (n *Notifications) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, shop, peer := context.WithoutCancel(r.Context()), r.PathValue("shop"), PeerOf(r.Context())
	var text []byte
	var err error
	if n.parts.Taker.Awaits(shop, peer) {
		// One byte more than there may be shows that it is too long.
		text, err = io.ReadAll(io.LimitReader(r.Body, systempay.MaxBody+1))
	} else {
		w.Header().Set("Connection", "close") // a stranger keeps no place by sending slowly
	}
	if err != nil {
		n.outcomes.WithLabelValues(noRoute, brokenOffLabel, "false").Inc()
		n.parts.Log.WarnContext(ctx, "a payment notification broke off", "peer", peer.String())
		say(w, http.StatusBadRequest, "the body broke off")
		return
	}
	if len(text) > systempay.MaxBody {
		w.Header().Set("Connection", "close") // the rest is not read
	}
	answer, err := n.parts.Taker.Take(ctx, shop, peer, text)
	n.note(ctx, shop, peer, &answer, err)
	// One that came before may have been kept without our hearing of it: nobody was rung then.
	if answer.Outcome == systempay.OutcomeAccepted || answer.Outcome == systempay.OutcomeDuplicate {
		n.parts.Bell.Ring()
	}
	if answer.Status == http.StatusServiceUnavailable {
		again(w, answer.Text)
		return
	}
	say(w, answer.Status, answer.Text)
}

// note counts and logs what became of a message, and nothing that it says but its
// order. A name of a shop that nobody knows is anybody's text, and stays out.
func (n *Notifications) note(ctx context.Context, shop string, peer netip.Addr, answer *payment.Answer, err error) {
	outcome, level := string(answer.Outcome), levelOf(answer.Outcome)
	switch answer.Status {
	case http.StatusNotFound:
		shop, outcome, level = noRoute, noShopLabel, slog.LevelWarn
	case http.StatusServiceUnavailable:
		outcome, level = unavailableLabel, slog.LevelError
	}
	n.outcomes.WithLabelValues(shop, outcome, strconv.FormatBool(answer.Kept)).Inc()
	attributes := []any{
		"shop", shop, "outcome", outcome, "severity", string(answer.Outcome.Level()), "reason", answer.Reason, "order", answer.Order,
		"peer", peer.String(), "kept", answer.Kept,
	}
	if err != nil {
		attributes = append(attributes, "error", err)
	}
	n.parts.Log.Log(ctx, level, "payment notification", attributes...)
}

// levelOf is how loud an outcome is in the log.
func levelOf(outcome systempay.Outcome) slog.Level {
	switch outcome.Level() {
	case systempay.LevelInfo, systempay.LevelNotice:
		return slog.LevelInfo
	case systempay.LevelWarn:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}
