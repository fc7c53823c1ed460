package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/reglo/reglo/workflows"
)

// searchAttributes are those by which an operator finds a vacation in Temporal.
func searchAttributes() map[string]enums.IndexedValueType {
	attributes := make(map[string]enums.IndexedValueType)
	for _, key := range workflows.SearchAttributes() {
		attributes[key.GetName()] = key.GetValueType()
	}
	return attributes
}

func newRegister(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "register",
		Short: "Register the vacations' search attributes on the Temporal server",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			connection, settings, err := s.temporal(cmd)
			if err != nil {
				return err
			}
			added, err := register(cmd.Context(), connection.OperatorService(), settings.Temporal.Namespace)
			if err != nil {
				return err
			}
			return s.show(registered{
				Namespace: settings.Temporal.Namespace, Added: added,
				Attributes: slices.Sorted(maps.Keys(searchAttributes())),
			})
		},
	}
}

// register adds the search attributes that the namespace lacks, and names them.
// One of another type is an error: Temporal cannot change a type.
func register(ctx context.Context, service operatorservice.OperatorServiceClient, namespace string) ([]string, error) {
	list, err := service.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("list the search attributes of namespace %s: %w", namespace, err)
	}
	missing := searchAttributes()
	added := []string{}
	for name, want := range searchAttributes() {
		have, found := list.GetCustomAttributes()[name]
		if !found {
			added = append(added, name)
			continue
		}
		if have != want {
			return nil, &EndedError{
				What: fmt.Sprintf("search attribute %s of namespace %s is of type %s, want %s", name, namespace, have, want),
				Next: "remove it (temporal operator search-attribute remove --name " + name + "), then register again",
			}
		}
		delete(missing, name)
	}
	if len(missing) == 0 {
		return added, nil
	}
	slices.Sort(added)
	_, err = service.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	var exists *serviceerror.AlreadyExists
	if err != nil && !errors.As(err, &exists) { // another registration was faster
		return nil, fmt.Errorf("add search attributes to namespace %s: %w", namespace, err)
	}
	return added, nil
}

// registered says which search attributes a namespace has.
type registered struct {
	Namespace  string   `json:"namespace"`
	Attributes []string `json:"searchAttributes"`
	Added      []string `json:"added"`
}

func (d registered) writeText(t *text) {
	if len(d.Added) == 0 {
		t.linef("namespace %s has all search attributes: %s", d.Namespace, strings.Join(d.Attributes, ", "))
		return
	}
	t.linef("added to namespace %s: %s", d.Namespace, strings.Join(d.Added, ", "))
}
