package linear

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// kind is what a client asks for.
type kind uint8

const (
	read   kind = iota // GET, HEAD or LIST
	write              // PUT or CompleteMultipartUpload
	remove             // DELETE
)

// request is the input of an operation. Values are unique, so a value stands for its ETag; 0 is no object.
type request struct {
	kind        kind
	key         string
	value       int  // of a write
	ifNoneMatch bool // only if there is no object
	ifMatch     int  // only if the object has this value; 0 is no condition
	how         string
}

// answer is the output of an operation.
type answer struct {
	outcome outcome
	value   int // of a read
}

type outcome uint8

const (
	done    outcome = iota
	failed          // the condition did not hold: 412, or 404 for If-Match on nothing
	refused         // 409: another request was faster; nothing happened
	unknown         // no answer
)

// model is one key. Its state is the value it holds.
func model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[string][]porcupine.Operation{}
			for _, op := range history {
				key := op.Input.(request).key
				byKey[key] = append(byKey[key], op)
			}
			var parts [][]porcupine.Operation
			for _, part := range byKey {
				parts = append(parts, part)
			}
			return parts
		},
		Init: func() []any { return []any{0} },
		Step: func(state, input, output any) []any { return step(state.(int), input.(request), output.(answer)) },
		DescribeOperation: func(input, output any) string {
			return fmt.Sprintf("%+v -> %+v", input, output)
		},
		DescribeState: func(state any) string { return fmt.Sprint(state) },
	}
	return m.ToModel()
}

// step gives the states that are possible after an operation, none when it cannot have ended so in this state.
func step(have int, in request, out answer) []any {
	if in.kind == read {
		if out.outcome == unknown || out.value == have {
			return []any{have}
		}
		return nil
	}
	holds := true
	if in.ifNoneMatch {
		holds = have == 0
	} else if in.ifMatch != 0 {
		holds = have == in.ifMatch
	}
	next := in.value
	if in.kind == remove {
		next = 0
		if in.ifMatch != 0 && have == 0 && out.outcome == done {
			return []any{0} // nothing to delete: Amazon calls that a success at times
		}
	}
	switch out.outcome {
	case done:
		if holds {
			return []any{next}
		}
	case failed:
		if !holds {
			return []any{have}
		}
	case refused:
		return []any{have}
	case unknown:
		if holds {
			return []any{have, next}
		}
		return []any{have}
	}
	return nil
}
