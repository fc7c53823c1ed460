package temporal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"github.com/reglo/reglo/worker/boot/config"
)

const (
	// EncodingEncrypted marks a payload that the codec encrypted.
	EncodingEncrypted = "binary/encrypted"
	// MetadataKeyID names the key that encrypted a payload.
	MetadataKeyID = "encryption-key-id"

	keyBytes = 32 // AES-256
)

// ErrTampered is a payload that is not what was encrypted: altered, cut, or
// under another key of the same id.
var ErrTampered = errors.New("encrypted payload does not authenticate: it was altered, or its key's id now names another key")

// UnknownKeyError is a payload under a key that is not configured.
type UnknownKeyError struct {
	ID string
}

func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("payload is encrypted under key %q, which payload.keys does not hold; add it after the first one", e.ID)
}

// Codec encrypts payloads with AES-256-GCM. Payloads that are not encrypted are
// read as they are, so that a key can be set while runs are under way.
//
// A nonce is random, of 96 bits: a key is replaced before it encrypted 2^32
// payloads (NIST SP 800-38D, 8.3).
type Codec struct {
	first   string
	ciphers map[string]cipher.AEAD
}

var _ converter.PayloadCodec = (*Codec)(nil)

// NewCodec makes a codec of at least one key: the first encrypts, all decrypt.
func NewCodec(keys []config.Key) (*Codec, error) {
	if len(keys) == 0 {
		return nil, errors.New("payload codec: no key")
	}
	codec := &Codec{first: keys[0].ID, ciphers: make(map[string]cipher.AEAD, len(keys))}
	for _, key := range keys {
		raw, err := base64.StdEncoding.DecodeString(key.Secret.Reveal())
		if err != nil || len(raw) != keyBytes {
			return nil, fmt.Errorf("payload codec: key %q is not %d bytes in base64", key.ID, keyBytes)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, fmt.Errorf("payload codec: key %q: %w", key.ID, err)
		}
		if codec.ciphers[key.ID], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("payload codec: key %q: %w", key.ID, err)
		}
	}
	return codec, nil
}

// Encode encrypts each payload, its own metadata with it.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	encrypted := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		plain, err := proto.Marshal(payload)
		if err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		encrypted[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(EncodingEncrypted),
				MetadataKeyID:              []byte(c.first),
			},
			Data: c.ciphers[c.first].Seal(nil, nil, plain, associated(c.first)), //nolint:gosec // the nonce is random, the AEAD's own
		}
	}
	return encrypted, nil
}

// Decode decrypts the payloads that are encrypted, by the key that each names.
//
// Errors: [*UnknownKeyError], [ErrTampered].
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decrypted := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		if string(payload.GetMetadata()[converter.MetadataEncoding]) != EncodingEncrypted {
			decrypted[i] = payload
			continue
		}
		id := string(payload.GetMetadata()[MetadataKeyID])
		aead, known := c.ciphers[id]
		if !known {
			return nil, &UnknownKeyError{ID: id}
		}
		plain, err := aead.Open(nil, nil, payload.GetData(), associated(id))
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", id, ErrTampered)
		}
		decrypted[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, decrypted[i]); err != nil {
			return nil, fmt.Errorf("key %q: decrypted payload: %w", id, err)
		}
	}
	return decrypted, nil
}

// associated binds the metadata that is not encrypted to what is.
func associated(id string) []byte { return []byte(EncodingEncrypted + " " + id) }
