package ogep_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ogep"
)

const (
	benchAccount = "1A17660007"
	benchLabel   = "RBCRR      CB10:25:55C1234567121119"
	javaLayout   = "2006-01-02T15:04:05.000-0700"
)

// BenchmarkTransaction compares the ways to write one create-account-transaction event.
func BenchmarkTransaction(b *testing.B) {
	at := stamp().Instant.In(calendar.Paris())

	b.Run("renderer", func(b *testing.B) {
		renderer, err := ogep.NewTransactionRenderer(stamp())
		require.NoError(b, err)

		buffer, account, label, value := make([]byte, 0, 1024), []byte(benchAccount), []byte(benchLabel), at.AddDate(0, 0, 1)
		sequence := 0

		b.ReportAllocs()

		for b.Loop() {
			// Each transaction at its own second of the day, as in a file.
			buffer = renderer.Append(buffer[:0], sequence, account, label, 1011, at.Add(time.Duration(sequence%3600)*time.Second), value)
			sequence = (sequence + 1) % (ogep.MaxSequence + 1)
		}

		report(b, buffer)
	})

	b.Run("append", func(b *testing.B) {
		body := ogep.CreateAccountTransaction{
			AccountID:   benchAccount,
			Transaction: ogep.AccountTransaction{Label: benchLabel, Amount: 1011, TransactionAt: at, ValueAt: at},
		}
		buffer := make([]byte, 0, 1024)

		b.ReportAllocs()

		for b.Loop() {
			var err error
			if buffer, err = ogep.Append(buffer[:0], stamp(), body); err != nil {
				b.Fatal(err)
			}
		}

		report(b, buffer)
	})

	b.Run("encoding-json", func(b *testing.B) {
		var buffer bytes.Buffer

		encoder := json.NewEncoder(&buffer)
		encoder.SetEscapeHTML(false)
		b.ReportAllocs()

		for b.Loop() {
			buffer.Reset()

			if err := encoder.Encode(benchEvent(at)); err != nil {
				b.Fatal(err)
			}
		}

		report(b, bytes.TrimSpace(buffer.Bytes()))
	})

	b.Run("map", func(b *testing.B) {
		var (
			frame []byte
			err   error
		)

		b.ReportAllocs()

		for b.Loop() {
			if frame, err = json.Marshal(benchMap(at)); err != nil {
				b.Fatal(err)
			}
		}

		report(b, frame)
	})
}

func report(b *testing.B, frame []byte) {
	b.Helper()
	require.True(b, json.Valid(frame))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
	b.SetBytes(int64(len(frame)))
}

type benchAmount struct {
	Currency string      `json:"currency"`
	Value    json.Number `json:"value"`
}

type benchTransaction struct {
	Label           string      `json:"label"`
	Amount          benchAmount `json:"amount"`
	TransactionDate string      `json:"transactionDate"`
	ValueDate       string      `json:"valueDate"`
}

type benchParam struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value any    `json:"value"`
}

type benchEnvelope struct {
	Source        string       `json:"source"`
	UID           string       `json:"uid"`
	CorrelationID string       `json:"correlationId"`
	Timestamp     string       `json:"timestamp"`
	Type          string       `json:"type"`
	Params        []benchParam `json:"params"`
}

func benchEvent(at time.Time) benchEnvelope {
	return benchEnvelope{
		Source: ogep.Source, UID: stamp().UID(), CorrelationID: correlationID, Timestamp: at.Format(javaLayout),
		Type: string(ogep.TypeCreateAccountTransaction),
		Params: []benchParam{
			{Type: "input", Name: "accountId", Value: benchAccount},
			{Type: "input", Name: "transaction", Value: benchTransaction{
				Label: benchLabel, Amount: benchAmount{Currency: "EUR", Value: "10.11"},
				TransactionDate: at.Format(javaLayout), ValueDate: at.Format(javaLayout),
			}},
		},
	}
}

func benchMap(at time.Time) map[string]any {
	return map[string]any{
		"source": ogep.Source, "uid": stamp().UID(), "correlationId": correlationID, "timestamp": at.Format(javaLayout),
		"type": string(ogep.TypeCreateAccountTransaction),
		"params": []any{
			map[string]any{"type": "input", "name": "accountId", "value": benchAccount},
			map[string]any{"type": "input", "name": "transaction", "value": map[string]any{
				"label": benchLabel, "amount": map[string]any{"currency": "EUR", "value": json.Number("10.11")},
				"transactionDate": at.Format(javaLayout), "valueDate": at.Format(javaLayout),
			}},
		},
	}
}

func BenchmarkParse(b *testing.B) {
	frame := golden(b, "create-account-transaction.golden")

	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))

	for b.Loop() {
		event, err := ogep.Parse(frame)
		if err != nil {
			b.Fatal(err)
		}

		if _, err := event.Body(); err != nil {
			b.Fatal(err)
		}
	}
}
