package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	// buyTimeout is how long a buyer's browser waits for the platform.
	buyTimeout = 30 * time.Second
	// maxForm is the longest document of a form, in bytes: some dozen fields.
	maxForm = 1 << 20
)

// signedForm is what a shop's program hands to the buyer's browser.
type signedForm struct {
	URL    string `json:"url"`
	Fields []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"fields"`
	Signature string `json:"signature"`
}

// newBuy is a buyer: a browser that posts a form, and clicks.
func newBuy(out io.Writer) *cobra.Command {
	var decision string
	cmd := &cobra.Command{
		Use:   "buy FILE|-",
		Short: "Post a signed form as a buyer's browser does, and decide",
		Long: `Post a signed form as a buyer's browser does, and decide. The form is JSON, such
as a shop's program has it: {"url":"…","fields":[{"name":"…","value":"…"}],
"signature":"…"}. What the platform answers is printed: its status, and where the
browser is sent.`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			form, err := readForm(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			fields := url.Values{"signature": {form.Signature}}
			for _, field := range form.Fields {
				fields.Set(field.Name, field.Value)
			}
			target := form.URL + "?pay=" + url.QueryEscape(decision)
			request, err := http.NewRequestWithContext(cmd.Context(), http.MethodPost, target, strings.NewReader(fields.Encode()))
			if err != nil {
				return fmt.Errorf("the form's url: %w", err)
			}
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			browser := http.Client{
				Timeout:       buyTimeout,
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			}
			answer, err := browser.Do(request)
			if err != nil {
				return fmt.Errorf("post the form: %w", err)
			}
			defer func() { _ = answer.Body.Close() }() // only its head is looked at
			if answer.StatusCode >= http.StatusBadRequest {
				said, _ := io.ReadAll(io.LimitReader(answer.Body, maxForm))
				return fmt.Errorf("the platform answers %s: %s", answer.Status, strings.Join(strings.Fields(string(said)), " "))
			}
			return json.NewEncoder(out).Encode(map[string]any{"status": answer.StatusCode, "location": answer.Header.Get("Location")})
		},
	}
	cmd.Flags().StringVar(&decision, "decision", "pay", "what the buyer does: pay, refuse, abandon and others of the platform's page")
	return cmd
}

func readForm(path string, stdin io.Reader) (signedForm, error) {
	source := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return signedForm{}, fmt.Errorf("open the form: %w", err)
		}
		defer func() { _ = file.Close() }() // only read
		source = file
	}
	var form signedForm
	if err := json.NewDecoder(io.LimitReader(source, maxForm)).Decode(&form); err != nil {
		return signedForm{}, fmt.Errorf("read the form: %w", err)
	}
	if form.URL == "" || form.Signature == "" {
		return signedForm{}, errors.New("read the form: it has no url, or no signature")
	}
	return form, nil
}
