package ogep

import (
	"encoding/json"
	"fmt"
)

// UnknownTypeError says that an event's type is none of the 27: its parameters are kept, but have no Body.
type UnknownTypeError struct {
	Type Type
}

// Error names the type.
func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("OG-EP event type %q is none of the %d known", string(e.Type), len(Types()))
}

// paramRule is what the reference says of one parameter of a type.
type paramRule struct {
	direction Direction
	name      string
	optional  bool
}

// params gives the parameters of a type in the reference's order; none for a type that it does not know.
func (t Type) params() []paramRule {
	input := func(name string) paramRule { return paramRule{direction: Input, name: name} }
	output := func(name string) paramRule { return paramRule{direction: Output, name: name} }

	switch t {
	case TypeGetAccountBalance:
		return []paramRule{input(paramAccountID), output(paramBalance)}
	case TypeGetAccountTransactions:
		return []paramRule{input(paramAccountID), output(paramTransactions)}
	case TypeCreateAccountTransaction:
		return []paramRule{input(paramAccountID), input(paramTransaction)}
	case TypeCreateTransfer:
		return []paramRule{input(paramOrders)}
	case TypeValidateCashout:
		return []paramRule{
			input(paramOrders), input(paramTotalAmount), output(paramDecision), output(paramValidator),
			{direction: Output, name: paramReason, optional: true},
		}
	case TypeRegisterDebt:
		return []paramRule{input(paramMerchantDebt)}
	case TypeCreateRejectedAccountTransaction:
		return []paramRule{
			input(paramOperationCode), input(paramAccountID), input(paramTransaction), input(paramRejectCode),
			input(paramEndToEndID),
		}
	case TypeCreateValidatedOrder:
		return []paramRule{input(paramOrders), input(paramEndToEndID), input(paramAccountID)}
	case TypeCreateRejectedOrder:
		return []paramRule{input(paramOrders), input(paramRejectCode), input(paramEndToEndID), input(paramAccountID)}
	}

	switch prefix, kind := t.boundary(); {
	case prefix == startPrefix && kind.IsReglement():
		return []paramRule{input(paramGlobalTransaction), input(paramFile)}
	case prefix == endWithErrorPrefix:
		return []paramRule{output(paramError)}
	default:
		return nil
	}
}

// Body reads what the event's parameters hold, each found by direction and name. Amounts are exact; a date that was written
// as a time is cut to its date in Paris. The body is not validated as one that is to be written: old frames break rules of
// today. The error is an *UnknownTypeError or a *ParseError.
func (e *Event) Body() (Body, error) {
	in := reader{members: make(map[string]json.RawMessage), fault: new(*ParseError)}

	for _, rule := range e.Type.params() {
		if value, found := e.Param(rule.direction, rule.name); found {
			in.members[rule.name] = value
		}
	}

	body := in.act(e.Type)
	if body == nil {
		body = in.boundary(e.Type)
	}

	if body == nil {
		return nil, &UnknownTypeError{Type: e.Type}
	}

	if *in.fault != nil {
		return nil, *in.fault
	}

	return body, nil
}

// act reads the body of what happens inside a vacation; nil for another type.
func (r reader) act(t Type) Body {
	switch t {
	case TypeGetAccountBalance:
		return GetAccountBalance{AccountID: r.text(paramAccountID), Balance: r.amount(paramBalance)}
	case TypeGetAccountTransactions:
		return GetAccountTransactions{
			AccountID: r.text(paramAccountID), Transactions: each(r.list(paramTransactions), reader.bankTransaction),
		}
	case TypeCreateAccountTransaction:
		return CreateAccountTransaction{
			AccountID: r.text(paramAccountID), Transaction: r.object(paramTransaction).accountTransaction(),
		}
	case TypeCreateTransfer:
		return CreateTransfer{Orders: r.orders()}
	case TypeValidateCashout:
		return ValidateCashout{
			Orders: r.orders(), Total: r.amount(paramTotalAmount), Decision: Decision(r.text(paramDecision)),
			Validator: r.text(paramValidator), Reason: r.optionalText(paramReason),
		}
	case TypeRegisterDebt:
		return RegisterDebt{Debt: r.object(paramMerchantDebt).merchantDebt()}
	case TypeCreateRejectedAccountTransaction:
		return CreateRejectedAccountTransaction{
			OperationCode: r.text(paramOperationCode), AccountID: r.text(paramAccountID),
			Transaction: r.object(paramTransaction).accountTransaction(), RejectCode: r.text(paramRejectCode),
			EndToEndID: r.text(paramEndToEndID),
		}
	case TypeCreateValidatedOrder:
		return CreateValidatedOrder{
			Orders: r.orders(), EndToEndID: r.text(paramEndToEndID), AccountID: r.text(paramAccountID),
		}
	case TypeCreateRejectedOrder:
		return CreateRejectedOrder{
			Orders: r.orders(), RejectCode: r.text(paramRejectCode), EndToEndID: r.text(paramEndToEndID),
			AccountID: r.text(paramAccountID),
		}
	default:
		return nil
	}
}

// boundary reads the body of what starts or ends a vacation; nil for another type.
func (r reader) boundary(t Type) Body {
	switch prefix, kind := t.boundary(); {
	case prefix == startPrefix && kind.IsReglement():
		return StartReglement{
			Kind: kind, Transaction: r.object(paramGlobalTransaction).globalTransaction(), File: r.text(paramFile),
		}
	case prefix == startPrefix:
		return Start{Kind: kind}
	case prefix == endPrefix:
		return End{Kind: kind}
	case prefix == endWithErrorPrefix:
		inner := r.object(paramError)

		return EndWithError{
			Kind: kind, Code: inner.text("code"), Message: inner.text("message"), Step: inner.text("step"),
		}
	default:
		return nil
	}
}

func (r reader) orders() []Order { return each(r.list(paramOrders), reader.order) }

func each[T any](items []reader, read func(reader) T) []T {
	values := make([]T, 0, len(items))
	for _, item := range items {
		values = append(values, read(item))
	}

	return values
}
