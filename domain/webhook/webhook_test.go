package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/webhook"
)

const (
	secret = webhook.Secret("a secret of the test")
	id     = "6a1f7d5e-21aa-11ea-9f0e-0242ac120002"
	body   = `{"event":"TRANSFER_COMPLETED","timestamp":"2026-03-17T10:30:05Z","transfer":{"id":"` + id +
		`","direction":"RECEIVE","filename":"STATEMENT_20260317.XML","localPath":"/data/received/STATEMENT_20260317.XML","size":8542}}`
)

func at() time.Time { return time.Date(2026, time.March, 17, 10, 30, 5, 0, time.UTC) }

// sign is the algorithm as it is agreed, written a second time.
func sign(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return fmt.Sprintf("sha256=%x", mac.Sum(nil))
}

func TestRead(t *testing.T) {
	t.Parallel()
	signature := sign(secret.Reveal(), body)
	notice, err := webhook.Read(secret, signature, []byte(body), at())
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(body))
	require.Equal(t, webhook.Notice{
		Event: webhook.Completed, At: at(), Key: hex.EncodeToString(sum[:]),
		Transfer: webhook.Transfer{ID: id, Direction: webhook.Receive, Filename: "STATEMENT_20260317.XML", Bytes: 8542},
	}, notice)

	for _, late := range []time.Duration{webhook.Window, -webhook.Window} {
		_, err = webhook.Read(secret, signature, []byte(body), at().Add(late))
		require.NoError(t, err)
		_, err = webhook.Read(secret, signature, []byte(body), at().Add(late).Add(late/time.Minute))
		require.ErrorIs(t, err, webhook.ErrStale)
	}
	// What is wrong is found before what is in the body is believed.
	_, err = webhook.Read(secret, sign("another secret of it", body), []byte(body), at())
	require.ErrorIs(t, err, webhook.ErrSignature)
	_, err = webhook.Read(secret, sign(secret.Reveal(), "{}"), []byte("{}"), at())
	require.ErrorIs(t, err, webhook.ErrPayload)
}

func TestAKnownSignature(t *testing.T) {
	t.Parallel()
	// RFC 4231, test case 6: a key of 131 bytes of 0xaa.
	key := webhook.Secret(bytes.Repeat([]byte{0xaa}, 131))
	text := []byte("Test Using Larger Than Block-Size Key - Hash Key First")
	const known = "sha256=60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
	require.NoError(t, webhook.Verify(key, known, text))
	require.NoError(t, webhook.Verify(key, "sha256="+strings.ToUpper(known[7:]), text))
	for name, wrong := range map[string]string{
		"none": "", "no prefix": known[7:], "another algorithm": "sha512=" + known[7:], "an upper prefix": "SHA256=" + known[7:],
		"short": known[:len(known)-2], "long": known + "00", "no digits": "sha256=" + strings.Repeat("z", 64),
		"a blank": " " + known, "all zero": "sha256=" + strings.Repeat("0", 64),
	} {
		require.ErrorIs(t, webhook.Verify(key, wrong, text), webhook.ErrSignature, name)
	}
	require.ErrorIs(t, webhook.Verify("", sign("", "x"), []byte("x")), webhook.ErrSecret)
	require.ErrorIs(t, webhook.Verify("fifteen letters", known, text), webhook.ErrSecret)
	require.ErrorIs(t, webhook.Verify(key, known, make([]byte, webhook.MaxBody+1)), webhook.ErrTooLong)
}

// TestAnyChangeIsFound: of the body, of the secret or of the signature.
func TestAnyChangeIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringN(16, 40, 120).Draw(t, "key")
		text := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "text")
		signature := sign(key, string(text))
		require.NoError(t, webhook.Verify(webhook.Secret(key), signature, text))

		changed := bytes.Clone(text)
		changed[rapid.IntRange(0, len(text)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "by")
		require.ErrorIs(t, webhook.Verify(webhook.Secret(key), signature, changed), webhook.ErrSignature)
		require.ErrorIs(t, webhook.Verify(webhook.Secret(key+"x"), signature, text), webhook.ErrSignature)
	})
}

func TestABodyThatIsNotAsAgreed(t *testing.T) {
	t.Parallel()
	failed := strings.Replace(body, "COMPLETED", "FAILED", 1)
	for name, right := range map[string]string{
		"failed":         failed,
		"without size":   strings.Replace(failed, `,"size":8542`, "", 1),
		"without path":   strings.Replace(body, `"localPath":"/data/received/STATEMENT_20260317.XML",`, "", 1),
		"another zone":   strings.Replace(body, "05Z", "05+01:00", 1),
		"milliseconds":   strings.Replace(body, "05Z", "05.123Z", 1),
		"sent":           strings.Replace(body, "RECEIVE", "SEND", 1),
		"spread out":     strings.ReplaceAll(body, `,"`, " ,\n\t\""),
		"nothing inside": strings.Replace(body, "8542", "0", 1),
	} {
		_, err := webhook.Parse([]byte(right))
		require.NoError(t, err, name)
	}
	for name, wrong := range map[string]string{
		"empty": "", "null": "null", "a list": "[]", "a text": `"x"`, "half": body[:40], "half an object": body[:len(body)-1],
		"twice":                      body + body,
		"something after":            body + "x",
		"no event":                   strings.Replace(body, `"event":"TRANSFER_COMPLETED",`, "", 1),
		"an event twice":             strings.Replace(body, `{"event"`, `{"event":"TRANSFER_FAILED","event"`, 1),
		"another case":               strings.Replace(body, `"event"`, `"Event"`, 1),
		"an unknown event":           strings.Replace(body, "COMPLETED", "STARTED", 1),
		"an unknown member":          strings.Replace(body, `{"event"`, `{"more":1,"event"`, 1),
		"an unknown member inside":   strings.Replace(body, `{"id"`, `{"more":1,"id"`, 1),
		"no time":                    strings.Replace(body, `"timestamp":"2026-03-17T10:30:05Z",`, "", 1),
		"no zone":                    strings.Replace(body, "05Z", "05", 1),
		"a time as a number":         strings.Replace(body, `"2026-03-17T10:30:05Z"`, "1773743405", 1),
		"no such day":                strings.Replace(body, "03-17", "02-30", 1),
		"no transfer":                `{"event":"TRANSFER_COMPLETED","timestamp":"2026-03-17T10:30:05Z"}`,
		"a transfer that is null":    `{"event":"TRANSFER_COMPLETED","timestamp":"2026-03-17T10:30:05Z","transfer":null}`,
		"an id with a path":          strings.Replace(body, id, "../../x", 1),
		"an empty id":                strings.Replace(body, id, "", 1),
		"a null id":                  strings.Replace(body, `"`+id+`"`, "null", 1),
		"a long id":                  strings.Replace(body, id, strings.Repeat("a", 65), 1),
		"another direction":          strings.Replace(body, "RECEIVE", "MESSAGE", 1),
		"a name with a path":         strings.Replace(body, `"STATEMENT_2`, `"../STATEMENT_2`, 1),
		"a hidden name":              strings.Replace(body, `"STATEMENT_2`, `".STATEMENT_2`, 1),
		"a name with a zero":         strings.Replace(body, `"STATEMENT_2`, `"STATEMENT\u0000_2`, 1),
		"a path that is a number":    strings.Replace(body, `"/data/received/STATEMENT_20260317.XML"`, "7", 1),
		"no size":                    strings.Replace(body, `,"size":8542`, "", 1),
		"a size below zero":          strings.Replace(body, "8542", "-1", 1),
		"a size with an exponent":    strings.Replace(body, "8542", "1e3", 1),
		"a size with decimals":       strings.Replace(body, "8542", "1.5", 1),
		"a size as a text":           strings.Replace(body, "8542", `"8542"`, 1),
		"a size that is null":        strings.Replace(body, "8542", "null", 1),
		"a size beyond all":          strings.Replace(body, "8542", strings.Repeat("9", 19), 1),
		"not UTF-8":                  strings.Replace(body, "received", "re\xffeived", 1),
		"depth":                      strings.Repeat(`{"event":`, 20000),
		"a wrong size of one failed": strings.Replace(failed, "8542", "-1", 1),
	} {
		_, err := webhook.Parse([]byte(wrong))
		if name == "depth" {
			require.ErrorIs(t, err, webhook.ErrTooLong)
			continue
		}
		require.ErrorIs(t, err, webhook.ErrPayload, name)
		require.NotContains(t, err.Error(), "STATEMENT", name)
	}
	_, err := webhook.Parse([]byte(strings.Repeat("[", webhook.MaxBody)))
	require.ErrorIs(t, err, webhook.ErrPayload)
}

func TestASecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{secret.String(), fmt.Sprintf("%v %+v %#v %q", secret, struct{ S webhook.Secret }{secret}, secret, secret)} {
		require.NotContains(t, text, secret.Reveal())
		require.Contains(t, text, "(hidden)")
	}
	text, err := json.Marshal(map[string]webhook.Secret{"a": secret})
	require.NoError(t, err)
	require.JSONEq(t, `{"a":"(hidden)"}`, string(text))
	require.Empty(t, webhook.Secret("").String())
}

// FuzzParse: what is accepted holds only what was agreed.
func FuzzParse(f *testing.F) {
	f.Add([]byte(body))
	f.Add([]byte(strings.Replace(body, "COMPLETED", "FAILED", 1)))
	f.Add([]byte(`{"event":"TRANSFER_COMPLETED","transfer":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		notice, err := webhook.Parse(text)
		if err != nil {
			return
		}
		require.True(t, json.Valid(text))
		require.Contains(t, []webhook.Event{webhook.Completed, webhook.Failed}, notice.Event)
		require.Contains(t, []webhook.Direction{webhook.Send, webhook.Receive}, notice.Transfer.Direction)
		require.NotContains(t, notice.Transfer.Filename, "/")
		require.GreaterOrEqual(t, notice.Transfer.Bytes, int64(0))
		require.Len(t, notice.Key, 64)
	})
}
