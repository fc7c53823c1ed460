package console

import (
	"net/http"
	"strconv"
	"time"
)

// problem is why somebody does not get what they asked for, in French, for a page
// and for a program alike. It repeats nothing of what was sent.
type problem struct {
	status int
	title  string
	detail string
	// fields are the parameters that are wrong.
	fields []fieldProblem
	// wait is until when it is of no use to come again.
	wait time.Duration
	// login asks people to sign in.
	login bool
}

// fieldProblem is what is wrong with a parameter.
type fieldProblem struct {
	Field  string `json:"parameter"`
	Reason string `json:"reason"`
}

func unknownPerson() *problem {
	return &problem{
		status: http.StatusUnauthorized, title: "Identification nécessaire", login: true,
		detail: "Identifiez-vous avec votre clé d’accès pour consulter cette page.",
	}
}

func wrongKey() *problem {
	return &problem{
		status: http.StatusUnauthorized, title: "Clé d’accès refusée", login: true,
		detail: "Cette clé d’accès n’est pas reconnue. Vérifiez-la, ou demandez-en une à votre administrateur.",
	}
}

func tooMany(wait time.Duration) *problem {
	minutes := int((wait + time.Minute - 1) / time.Minute)
	unit := " minutes."
	if minutes < 2 {
		unit = " minute."
	}
	return &problem{
		status: http.StatusTooManyRequests, title: "Trop de tentatives", wait: wait,
		detail: "Trop de clés d’accès ont été refusées depuis votre adresse. Réessayez dans " + strconv.Itoa(minutes) + unit,
	}
}

func forged() *problem {
	return &problem{
		status: http.StatusForbidden, title: "Action refusée",
		detail: "Ce formulaire a expiré ou ne vient pas de cette console. " +
			"Rouvrez la page, autorisez les cookies de ce site, et recommencez.",
	}
}

func notFound() *problem {
	return &problem{
		status: http.StatusNotFound, title: "Page introuvable",
		detail: "Cette page n’existe pas. Revenez à la liste des notifications.",
	}
}

func noNotification() *problem {
	return &problem{
		status: http.StatusNotFound, title: "Notification introuvable",
		detail: "Aucune notification ne porte ce numéro. Revenez à la liste pour la rechercher.",
	}
}

func wrongFields(fields []fieldProblem) *problem {
	return &problem{
		status: http.StatusBadRequest, title: "Critères incorrects",
		detail: "Corrigez les critères de recherche signalés.", fields: fields,
	}
}

// retryAfter is how long a database that was restarted, or has much to do, is given.
const retryAfter = 5 * time.Second

func tooSlow() *problem {
	return &problem{
		status: http.StatusServiceUnavailable, title: "Recherche trop longue", wait: retryAfter,
		detail: "La recherche n’a pas abouti à temps. Réessayez, en précisant les dates ou la commande.",
	}
}

func tooManySearches() *problem {
	return &problem{
		status: http.StatusServiceUnavailable, title: "Trop de recherches", wait: retryAfter,
		detail: "Trop de recherches sont en cours. Réessayez dans quelques instants.",
	}
}

func unavailable() *problem {
	return &problem{
		status: http.StatusServiceUnavailable, title: "Service indisponible", wait: retryAfter,
		detail: "La base de données ne répond pas. Réessayez dans quelques instants.",
	}
}

func broken() *problem {
	return &problem{
		status: http.StatusInternalServerError, title: "Erreur interne",
		detail: "La page n’a pas pu être préparée. L’incident est consigné ; signalez-le à votre administrateur.",
	}
}

// announce writes the headers of a problem.
func (p *problem) announce(w http.ResponseWriter) {
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="reglo"`)
	}
	if p.wait > 0 {
		w.Header().Set("Retry-After", seconds(p.wait))
	}
}
