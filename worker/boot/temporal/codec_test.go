package temporal_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/temporal"
)

func key(id string, fill byte) config.Key {
	return config.Key{ID: id, Secret: config.Secret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32)))}
}

func codec(t require.TestingT, keys ...config.Key) *temporal.Codec {
	made, err := temporal.NewCodec(keys)
	require.NoError(t, err)
	return made
}

func payload(text string) *commonpb.Payload {
	return &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain"), "x": {0, 1}}, Data: []byte(text)}
}

func encode(t require.TestingT, c *temporal.Codec, p *commonpb.Payload) *commonpb.Payload {
	encoded, err := c.Encode([]*commonpb.Payload{p})
	require.NoError(t, err)
	require.Len(t, encoded, 1)
	return encoded[0]
}

func TestCodecRoundTrip(t *testing.T) {
	t.Parallel()
	c := codec(t, key("a", 1))
	rapid.Check(t, func(rt *rapid.T) {
		drawn := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(rt, "payloads")
		plain := make([]*commonpb.Payload, 0, len(drawn))
		for _, data := range drawn {
			plain = append(plain, payload(string(data)))
		}
		encoded, err := c.Encode(plain)
		require.NoError(rt, err)
		decoded, err := c.Decode(encoded)
		require.NoError(rt, err)
		require.Len(rt, decoded, len(plain))
		for i := range plain {
			require.True(rt, proto.Equal(plain[i], decoded[i]))
		}
	})
}

func TestCodecHidesWhatItEncrypts(t *testing.T) {
	t.Parallel()
	c := codec(t, key("a", 1), key("b", 2))
	plain := payload(`"vacation-reglement-transactions/0000012024"`)
	encoded := encode(t, c, plain)
	require.Equal(t, map[string][]byte{
		"encoding": []byte("binary/encrypted"), "encryption-key-id": []byte("a"),
	}, encoded.GetMetadata())
	require.NotContains(t, string(encoded.GetData()), "vacation")
	require.NotContains(t, string(encoded.GetData()), "json/plain")
	require.NotEqual(t, encoded.GetData(), encode(t, c, plain).GetData(), "a nonce is used once")
	require.True(t, proto.Equal(payload(`"vacation-reglement-transactions/0000012024"`), plain), "the input stays as it was")
}

func TestCodecRotation(t *testing.T) {
	t.Parallel()
	before := codec(t, key("2025", 1))
	during := codec(t, key("2026", 2), key("2025", 1))
	after := codec(t, key("2026", 2))

	old := encode(t, before, payload("old"))
	decoded, err := during.Decode([]*commonpb.Payload{old, payload("clear")})
	require.NoError(t, err)
	require.True(t, proto.Equal(payload("old"), decoded[0]))
	require.True(t, proto.Equal(payload("clear"), decoded[1]), "what was written before a key was set is read as it is")

	young := encode(t, during, payload("young"))
	require.Equal(t, "2026", string(young.GetMetadata()[temporal.MetadataKeyID]))
	_, err = after.Decode([]*commonpb.Payload{young})
	require.NoError(t, err)

	_, err = after.Decode([]*commonpb.Payload{old})
	var unknown *temporal.UnknownKeyError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, "2025", unknown.ID)
}

func TestCodecTampering(t *testing.T) {
	t.Parallel()
	c := codec(t, key("a", 1), key("b", 2))
	original := encode(t, c, payload("balance"))
	tests := map[string]func(p *commonpb.Payload){
		"every bit": func(*commonpb.Payload) {},
		"empty":     func(p *commonpb.Payload) { p.Data = nil },
		"cut":       func(p *commonpb.Payload) { p.Data = p.GetData()[:len(p.GetData())-1] },
		"longer":    func(p *commonpb.Payload) { p.Data = append(p.GetData(), 0) },
		"other key": func(p *commonpb.Payload) { p.Metadata[temporal.MetadataKeyID] = []byte("b") },
	}
	for name, tamper := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "every bit" {
				for bit := range len(original.GetData()) * 8 {
					altered, _ := proto.Clone(original).(*commonpb.Payload)
					altered.Data[bit/8] ^= 1 << (bit % 8)
					_, err := c.Decode([]*commonpb.Payload{altered})
					require.ErrorIs(t, err, temporal.ErrTampered)
				}
				return
			}
			altered, _ := proto.Clone(original).(*commonpb.Payload)
			tamper(altered)
			_, err := c.Decode([]*commonpb.Payload{altered})
			require.ErrorIs(t, err, temporal.ErrTampered)
		})
	}

	// Another key under the same id.
	_, err := codec(t, key("a", 3)).Decode([]*commonpb.Payload{original})
	require.ErrorIs(t, err, temporal.ErrTampered)
}

func TestCodecInTheDataConverter(t *testing.T) {
	t.Parallel()
	data := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec(t, key("a", 1)))
	encoded, err := data.ToPayload(map[string]int{"lines": 3})
	require.NoError(t, err)
	require.NotContains(t, string(encoded.GetData()), "lines")
	var decoded map[string]int
	require.NoError(t, data.FromPayload(encoded, &decoded))
	require.Equal(t, map[string]int{"lines": 3}, decoded)
}

func TestCodecRefusesWrongKeys(t *testing.T) {
	t.Parallel()
	_, err := temporal.NewCodec(nil)
	require.ErrorContains(t, err, "no key")
	_, err = temporal.NewCodec([]config.Key{{ID: "short", Secret: "c2hvcnQ="}})
	require.ErrorContains(t, err, `key "short"`)
	require.NotContains(t, err.Error(), "c2hvcnQ=")
}
