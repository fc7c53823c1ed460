// Package health answers whether the worker is alive and whether it is ready to
// work, and serves its metrics.
package health

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// checkTimeout is how long one check may take: what has not answered by then is
// not ready, and whoever asks has its answer before its own patience ends.
const checkTimeout = 2 * time.Second

// Check looks at one thing that the worker needs.
type Check struct {
	// Name stands in the answer.
	Name string
	// Probe returns why it is not ready, nil when it is. Its error is shown: it
	// holds no secret.
	Probe func(ctx context.Context) error
}

// Answer is the body of /readyz, and of /livez without checks.
type Answer struct {
	// Status is "ok" or "not ready".
	Status string `json:"status"`
	// Checks has "ok", or what is wrong, for each check.
	Checks map[string]string `json:"checks,omitempty"`
}

const (
	statusOK       = "ok"
	statusNotReady = "not ready"
)

// Handler answers /livez: the process runs; /readyz: every check passes, else
// status 503 and the reasons; /metrics.
func Handler(checks []Check, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, Answer{Status: statusOK})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		answer := ask(r.Context(), checks)
		code := http.StatusOK
		if answer.Status != statusOK {
			code = http.StatusServiceUnavailable
		}
		write(w, code, answer)
	})
	mux.Handle("GET /metrics", metrics)
	return mux
}

// ask makes all checks at the same time.
func ask(ctx context.Context, checks []Check) Answer {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	errs := make([]error, len(checks))
	var group sync.WaitGroup
	for i, check := range checks {
		group.Go(func() { errs[i] = check.Probe(ctx) })
	}
	group.Wait()

	answer := Answer{Status: statusOK, Checks: make(map[string]string, len(checks))}
	for i, check := range checks {
		answer.Checks[check.Name] = statusOK
		if errs[i] != nil {
			answer.Status = statusNotReady
			answer.Checks[check.Name] = errs[i].Error()
		}
	}
	return answer
}

func write(w http.ResponseWriter, code int, answer Answer) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// A caller that hung up needs no answer.
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // as above; an Answer is strings, which always encode
}
