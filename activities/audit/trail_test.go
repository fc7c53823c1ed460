package audit_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/ledger"
)

// text reads one text.
func (d *day) text(t testing.TB, query string, arguments ...any) (text string) {
	t.Helper()
	require.NoError(t, d.pool.QueryRow(t.Context(), query, arguments...).Scan(&text), query)
	return text
}

// stable puts a word in the place of what each run of the tests makes anew: the
// identifiers, which are numbered as they come, and hashes of files that hold them.
type stable struct {
	known map[string]string
}

var anew = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(-\d{13})?|sha256 [0-9a-f]{64}|\b\d{16}\b|, ended [-0-9: ]+`)

func (s *stable) text(text string) string {
	return anew.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "sha256") {
			return "sha256 …"
		}
		if strings.HasPrefix(found, ", ended") {
			return ", ended"
		}
		if _, is := s.known[found]; !is {
			s.known[found] = "ID" + strconv.Itoa(len(s.known)+1)
		}
		return s.known[found]
	})
}

// TestTrailsOfADay holds the trail of each kind of identifier against what is
// kept in testdata; UPDATE_GOLDEN=1 writes that anew.
func TestTrailsOfADay(t *testing.T) {
	t.Parallel()
	d := newDay(t)
	bulk := d.text(t, `select name from bulk where purpose = 'PAYOUT'`)
	seen := map[string]struct {
		id   string
		what audit.Recognized
	}{
		"correlation":     {d.financiere.CorrelationID, audit.Correlation},
		"reference":       {dayReference, audit.Reference},
		"lot":             {dayLot, audit.Reference},
		"cre-id":          {dayReference + "-3", audit.CreID},
		"cre-id-covered":  {dayReference + "-301", audit.CreID},
		"cre-id-assigned": {dayReference + "-302", audit.CreID},
		"account":         {cp(2), audit.AccountID},
		"ledger-account":  {string(ledger.CP(shortCP)), audit.AccountID},
		"siret":           {siret, audit.SiretNumber},
		"payout":          {d.text(t, `select ref_externe from payout where number = 1`), audit.RefExterne},
		"own-transfer":    {d.text(t, `select ref_externe from transfer_order where purpose = 'RECOVERY'`), audit.RefExterne},
		"movement":        {"2607080000000001", audit.EndToEndID},
		"payline":         {"2607080000000002", audit.EndToEndID},
		"payline-refused": {"2607080000000003", audit.EndToEndID},
		"automatic":       {d.text(t, `select end_to_end_id from payout where reject_line is not null`), audit.EndToEndID},
		"bulk":            {bulk, audit.BulkName},
		"bulk-id":         {d.text(t, `select bulk_id::text from bulk where name = $1`, bulk), audit.BulkName},
		"remittance-line": {"B-remittance", audit.BankLineID},
		"lot-line":        {"B-lot", audit.BankLineID},
		"own-line":        {"B-stray", audit.BankLineID},
		"cre-file":        {d.text(t, `select encode(file_sha256, 'hex') from settlement where reference = $1`, dayReference), audit.FileSHA256},
		"rejects-file":    {d.text(t, `select left(encode(file_sha256, 'hex'), 12) from settlement where reference = $1`, dayLot), audit.FileSHA256},
		"payline-file":    {d.text(t, `select upper(left(encode(sha256, 'hex'), 16)) from payline_file`), audit.FileSHA256},
		"statement":       {d.text(t, `select encode(sha256, 'hex') from statement where account = 'BK.FON'`), audit.FileSHA256},
		"merchants":       {d.text(t, `select encode(sha256, 'hex') from merchant_snapshot`), audit.FileSHA256},
		"debt":            {d.text(t, `select number::text from debt`), audit.DebtNumber},
	}
	for name, test := range seen {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trail, err := audit.Trace(t.Context(), d.pool, test.id)
			require.NoError(t, err)
			require.Equal(t, test.what, trail.Recognized)
			for _, section := range trail.Sections {
				require.NotEmpty(t, section.Items, section.Name)
				require.Zero(t, section.More, section.Name)
			}
			whole, err := json.Marshal(trail)
			require.NoError(t, err)
			require.NotContains(t, string(whole), holder)
			require.NotRegexp(t, `FR\d\d[0-9A-Z]{23}`, string(whole))

			path := filepath.Join("testdata", "trail-"+name+".golden")
			written := written(&trail)
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(path, []byte(written), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), written)
		})
	}
}

// written is a trail's sections, a line each thing.
func written(trail *audit.Trail) string {
	var text strings.Builder
	for _, section := range trail.Sections {
		fmt.Fprintf(&text, "%s\n", section.Name)
		for _, item := range section.Items {
			amount := "-"
			if item.Amount != nil {
				amount = item.Amount.String()
			}
			fmt.Fprintf(&text, "  %s | %s | %s | %s | %s | %s\n", item.Kind, item.ID, amount, item.State, item.Vacation, item.Detail)
		}
	}
	for _, note := range trail.Notes {
		fmt.Fprintf(&text, "note: %s\n", note)
	}
	return (&stable{known: make(map[string]string)}).text(text.String())
}

// TestATrailIsCutAndCountsTheRest has more payouts than are listed.
func TestATrailIsCutAndCountsTheRest(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	s := populate(t, pool)
	const more = 7
	_, err := pool.Exec(t.Context(), `
		insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at)
		values (gen_random_uuid(), 'MONEXTEUR20260708001', 'PAYOUT', 'PREPARED', `+strconv.Itoa(int(s.number))+`, 1, 1, '2026-07-08', now())`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `
		insert into payout (scope, source, ref_externe, end_to_end_id, account_id, account, debtor_name, debtor_bic, debtor_iban,
			creditor_name, creditor_bic, creditor_iban, amount_cents, ceiling_cents, due_date, info, requested_at, state, batch, bulk)
		select 'vacation-financiere/2026-07-08', 'AUTO', 'ref-' || n, 'e-' || n, '1A00000000', a.id, 'N', '', '', 'N', '',
			'FR7630006000011234567890189', 1, 0, '2026-07-08', '', now(), 'PREPARED', 1, b.number
		from generate_series(1, $1::int) as n, bulk b, account a where a.code = 'CP.1A00000000'`, audit.ListMax+more)
	require.NoError(t, err)
	trail, err := audit.Trace(t.Context(), pool, "MONEXTEUR20260708001")
	require.NoError(t, err)
	listed := 0
	for _, section := range trail.Sections {
		require.LessOrEqual(t, len(section.Items), audit.ListMax)
		if section.Name == audit.SectionPayouts {
			listed = len(section.Items)
			require.EqualValues(t, more, section.More)
			require.Contains(t, section.Items[0].Detail, "to FR76…0189")
		}
	}
	require.Equal(t, audit.ListMax, listed)
}

// TestAnIdentifierIsNoPattern: what looks like SQL, a pattern or a short hash is unknown.
func TestAnIdentifierIsNoPattern(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	populate(t, pool)
	var hash []byte
	require.NoError(t, pool.QueryRow(t.Context(), `select file_sha256 from settlement where file_sha256 is not null limit 1`).Scan(&hash))
	digits := hex.EncodeToString(hash)
	_, err := audit.Trace(t.Context(), pool, digits[:audit.HashPrefix])
	require.NoError(t, err)
	for _, id := range []string{digits[:audit.HashPrefix-1], "%", strings.Repeat("0", 11) + "%", "CP.", "DEBT.", "@id", "' or true --"} {
		_, err := audit.Trace(t.Context(), pool, id)
		var unknown *audit.NotFoundError
		require.ErrorAs(t, err, &unknown, id)
		require.NotErrorIs(t, err, pgx.ErrNoRows)
		require.Contains(t, unknown.Error(), "looked for correlation, bulk, settlement reference")
	}
}
