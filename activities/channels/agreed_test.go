package channels_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/calendar"
)

func day(t require.TestingT, year int, month time.Month, day int) calendar.Date {
	date, err := calendar.NewDate(year, month, day)
	require.NoError(t, err)
	return date
}

func TestWhatIsAgreedUpon(t *testing.T) {
	t.Parallel()
	all, err := channels.ParseAgreed(" RELEVES:RELEVE_{yyyyMMdd}.120, CRPAY{ddd}:pain002-{yyMMdd}-{ddd}.xml,RETOURS:retours.240")
	require.NoError(t, err)
	require.Len(t, all, 3)
	for date, want := range map[calendar.Date][]channels.Offer{
		day(t, 2026, time.March, 7): {
			{Flow: "RELEVES", Name: "RELEVE_20260307.120", Bytes: -1},
			{Flow: "CRPAY066", Name: "pain002-260307-066.xml", Bytes: -1},
			{Flow: "RETOURS", Name: "retours.240", Bytes: -1},
		},
		day(t, 2024, time.December, 31): {
			{Flow: "RELEVES", Name: "RELEVE_20241231.120", Bytes: -1},
			{Flow: "CRPAY366", Name: "pain002-241231-366.xml", Bytes: -1},
			{Flow: "RETOURS", Name: "retours.240", Bytes: -1},
		},
	} {
		for i, one := range all {
			require.Equal(t, want[i], one.On(date))
		}
	}
	for _, nothing := range []string{"", "  "} {
		all, err := channels.ParseAgreed(nothing)
		require.NoError(t, err)
		require.Empty(t, all)
	}
	for about, text := range map[string]string{
		"no flow": ":RELEVE", "no name": "RELEVES:", "no colon": "RELEVES", "nothing between commas": "A:B,,C:D", "a comma at the end": "A:B,",
		"a folder": "A:../B", "a hidden one": "A:.B", "a placeholder that is none": "A:B{yyyy}", "one that is open": "A:B{ddd", "a blank": "A:B C",
		"two of one name": "A:B,C:B", "too long": "A:" + strings.Repeat("b", 65), "too long on a day": "A:" + strings.Repeat("b", 57) + "{yyyyMMdd}",
		"a colon too many": "A:B:C", "too many": many(channels.MaxAgreed + 1),
	} {
		_, err := channels.ParseAgreed(text)
		require.ErrorIs(t, err, channels.ErrAgreed, about)
	}
	_, err = channels.ParseAgreed(many(channels.MaxAgreed))
	require.NoError(t, err)
}

// many agrees upon that many files.
func many(count int) string {
	parts := make([]string, count)
	for i := range parts {
		parts[i] = "F:" + strings.Repeat("x", i%60+1) + strings.Repeat("y", i/60+1)
	}
	return strings.Join(parts, ",")
}

func FuzzParseAgreed(f *testing.F) {
	for _, text := range []string{"", "A:B", "A:B_{yyyyMMdd}.xml,C{ddd}:D{yyMMdd}", "A:{ddd}{ddd}", "A:B{", ":", ",", "A:B,A:B"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := channels.ParseAgreed(text)
		if err != nil {
			require.ErrorIs(t, err, channels.ErrAgreed)
			return
		}
		parts := make([]string, len(all))
		for i, one := range all {
			parts[i] = one.String()
			for _, date := range []calendar.Date{day(t, 2000, 1, 1), day(t, 2028, time.December, 31)} {
				offer := one.On(date)
				require.NoError(t, channels.CheckName(offer.Name))
				require.NoError(t, channels.CheckName(offer.Flow))
			}
		}
		again, err := channels.ParseAgreed(strings.Join(parts, ","))
		require.NoError(t, err)
		require.Equal(t, all, again)
	})
}
