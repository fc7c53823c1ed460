package console_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/console"
)

func TestReadKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(path, []byte("# who may look\r\n\r\nanne:auditor:"+strings.ToUpper(sumOf(auditorKey))+"\r\n"), 0o600))
	_, err := console.ReadKeys(path)
	require.NoError(t, err)
	_, err = console.ReadKeys(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, make([]byte, 300_000), 0o600))
	_, err = console.ReadKeys(path)
	require.ErrorContains(t, err, "bytes")
}

func TestWrongKeys(t *testing.T) {
	t.Parallel()
	sum := sumOf(auditorKey)
	for name, test := range map[string]struct{ content, says string }{
		"nothing":        {"", "holds no key"},
		"comments":       {"# nobody\n", "holds no key"},
		"no sum":         {"anne:auditor\n", "line 1: must be name:role:sha256"},
		"the key itself": {"anne:auditor:" + auditorKey, "line 1: the sum must have 64"},
		"no hexadecimal": {"anne:auditor:" + strings.Repeat("g", 64), "64 hexadecimal digits"},
		"no role":        {"anne::" + sum, "the role must be auditor or operator"},
		"another role":   {"\n\nanne:admin:" + sum, "line 3: the role must be"},
		"no name":        {":auditor:" + sum, "the name must have"},
		"a hostile name": {"<b>:auditor:" + sum, "the name must have"},
		"a name twice":   {"anne:auditor:" + sum + "\nanne:operator:" + sumOf(operatorKey), "line 2: the name stands on a line before"},
		"a key twice":    {"anne:auditor:" + sum + "\nbob:operator:" + sum, "line 2: the key is somebody else's"},
		"a fourth part":  {"anne:auditor:" + sum + ":x", "must be name:role:sha256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := console.ParseKeys([]byte(test.content))
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), auditorKey)
			require.NotContains(t, err.Error(), sum)
		})
	}
}

// FuzzParseKeys wants no key read twice, and nothing of a wrong line repeated.
func FuzzParseKeys(f *testing.F) {
	f.Add([]byte("anne:auditor:" + sumOf(auditorKey) + "\n# x\r\nbob:operator:" + sumOf(operatorKey)))
	f.Add([]byte(":::\n\x00:\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		keys, err := console.ParseKeys(content)
		if err != nil {
			require.Equal(t, console.Keys{}, keys)
			require.LessOrEqual(t, len(err.Error()), 200)
			return
		}
		_, err = console.ParseKeys(append(append([]byte{}, content...), append([]byte("\n"), content...)...))
		require.Error(t, err, "each name once")
	})
}
