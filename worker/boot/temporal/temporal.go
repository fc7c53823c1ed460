// Package temporal connects to the Temporal server that the settings name:
// credentials, TLS, encrypted payloads, logs and metrics.
package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	sdktemporal "go.temporal.io/sdk/temporal"

	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/patience"
)

// tryTimeout bounds one try: a server that is up answers in milliseconds.
const tryTimeout = 5 * time.Second

// Options says how to connect.
type Options struct {
	Server config.Temporal
	// Keys encrypt payloads; none leaves them in clear.
	Keys []config.Key
	Log  *slog.Logger
	// Metrics is where the SDK counts; nil is nowhere.
	Metrics client.MetricsHandler
	// Identity is the name of this process in the UI; empty lets the SDK choose.
	Identity string
	// Patience is how long to wait for a server that does not answer yet; zero
	// tries once.
	Patience time.Duration
}

// UnreachableError is a server that did not answer in time.
type UnreachableError struct {
	Address string
	Err     error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("Temporal at %s (TEMPORAL_ADDRESS) does not answer: %v", e.Address, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// NamespaceError is a namespace that the server does not have.
type NamespaceError struct {
	Address, Namespace string
	Err                error
}

func (e *NamespaceError) Error() string {
	return fmt.Sprintf("Temporal at %s has no namespace %q (TEMPORAL_NAMESPACE): "+
		"create it by `temporal operator namespace create --namespace %s`", e.Address, e.Namespace, e.Namespace)
}

func (e *NamespaceError) Unwrap() error { return e.Err }

// Dial connects, and makes sure of the namespace.
//
// Errors: [*UnreachableError], [*NamespaceError], or a setting that cannot be used.
func Dial(ctx context.Context, options Options) (client.Client, error) {
	clientOptions, err := options.client()
	if err != nil {
		return nil, err
	}
	var connected client.Client
	err = patience.Until(ctx, options.Patience, refused, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, tryTimeout)
		defer cancel()
		var err error
		connected, err = connect(ctx, clientOptions)
		return err
	})
	var notFound *serviceerror.NamespaceNotFound
	switch {
	case err == nil:
		return connected, nil
	case errors.As(err, &notFound):
		return nil, &NamespaceError{Address: options.Server.Address, Namespace: options.Server.Namespace, Err: err}
	case refused(err):
		return nil, fmt.Errorf("temporal server at %s refuses these credentials: %w; see TEMPORAL_API_KEY and TEMPORAL_TLS_…",
			options.Server.Address, err)
	default:
		return nil, &UnreachableError{Address: options.Server.Address, Err: err}
	}
}

func connect(ctx context.Context, options client.Options) (client.Client, error) {
	connected, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	_, err = connected.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: options.Namespace})
	if err != nil {
		connected.Close()
		return nil, fmt.Errorf("look for the namespace: %w", err)
	}
	return connected, nil
}

// refused tells an answer that waiting does not change. A namespace that is
// missing may still be made by a server that starts.
func refused(err error) bool {
	var denied *serviceerror.PermissionDenied
	var invalid *serviceerror.InvalidArgument
	return errors.As(err, &denied) || errors.As(err, &invalid)
}

func (o Options) client() (client.Options, error) {
	options, err := o.Server.ClientOptions()
	if err != nil {
		return client.Options{}, fmt.Errorf("temporal server: %w", err)
	}
	options.Logger = sdklog.NewStructuredLogger(o.Log)
	options.MetricsHandler = o.Metrics
	options.Identity = o.Identity
	if len(o.Keys) == 0 {
		return options, nil
	}
	codec, err := NewCodec(o.Keys)
	if err != nil {
		return client.Options{}, err
	}
	options.DataConverter = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec)
	// A failure's message and stack trace are encrypted like any payload.
	options.FailureConverter = sdktemporal.NewDefaultFailureConverter(sdktemporal.DefaultFailureConverterOptions{
		DataConverter:          options.DataConverter,
		EncodeCommonAttributes: true,
	})
	return options, nil
}
