package sample_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/settlement"
)

func typical(t testing.TB, merchants, lines int) sample.Options {
	t.Helper()

	date, err := calendar.ParseDate("2026-03-30") // the day before is one of 23 hours
	require.NoError(t, err)

	return sample.Typical(7, merchants, lines, date, 42)
}

func TestX(t *testing.T) {
	day, err := sample.New(typical(t, 50, 3000))
	require.NoError(t, err)
	var f, m bytes.Buffer
	s, err := day.WriteSettlement(&f)
	require.NoError(t, err)
	got, err := settlement.Read("f", bytes.NewReader(f.Bytes()), settlement.CRE1{}, func(*settlement.Line) error { return nil })
	require.NoError(t, err)
	require.Equal(t, s, got)
	require.NoError(t, day.WriteMerchants(&m))
	ms, err := merchant.Read("m", bytes.NewReader(m.Bytes()), lines.Options{}, func(merchant.Merchant) error { return nil })
	require.NoError(t, err)
	t.Log(ms)
	t.Log(m.String()[:1000])
	t.Log(f.String()[:1500])
	require.NoError(t, day.WriteMovement(&m, &s))
	t.Log(m.String()[m.Len()-500:])
}
