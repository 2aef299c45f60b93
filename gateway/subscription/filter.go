package subscription

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Bounds of a filter, beside those of filter_cost.go: no loop stands within another, and what is matched against is known
// when it is compiled.
const (
	MaxFilter      = 4 << 10 // bytes
	maxFilterNodes = 300
)

// filterFunctions are what an expression may call, beside its operators. Those that make lists, strings or instants of
// any size are not among them.
var filterFunctions = []string{
	"all", "none", "any", "one", "count", "len", "lower", "upper", "trim", "hasPrefix", "hasSuffix", "int", "float", "string",
	"abs", "first", "last",
}

// loops are those of them that look at every element.
var loops = map[string]bool{"all": true, "none": true, "any": true, "one": true, "count": true}

// filter is a compiled expression (https://expr-lang.org) over an event: type, id, tenant, live, created (Unix ms),
// products and data. What is not there is nil.
type filter struct{ program *vm.Program }

// compileFilter checks and compiles an expression. Its error names the place, as in "line 1, column 7".
func compileFilter(text string) (*filter, error) {
	if len(text) > MaxFilter {
		return nil, fmt.Errorf("%d bytes are too many, want at most %d", len(text), MaxFilter)
	}
	check := &filterCheck{}
	options := []expr.Option{
		expr.Env(map[string]any{}), expr.AllowUndefinedVariables(), expr.AsBool(), expr.MaxNodes(maxFilterNodes),
		expr.DisableAllBuiltins(), expr.Patch(check),
	}
	for _, f := range filterFunctions {
		options = append(options, expr.EnableBuiltin(f))
	}
	program, err := expr.Compile(text, options...)
	if err == nil && check.err == nil {
		check.err = checkCost(text)
	}
	if err == nil && check.err != nil {
		err = check.err.Bind(file.NewSource(text))
	}
	if place := (*file.Error)(nil); errors.As(err, &place) {
		return nil, fmt.Errorf("line %d, column %d: %s", place.Line, place.Column+1, firstLine(place.Message))
	}
	if err != nil {
		return nil, errors.New(firstLine(err.Error()))
	}
	return &filter{program}, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// matches reports whether an event is wanted. One that the expression fails for, because it compares what is not there
// or adds what is no number, is not.
func (f *filter) matches(event map[string]any) bool {
	got, err := expr.Run(f.program, event)
	wanted, ok := got.(bool)
	return err == nil && ok && wanted
}

// filterNames are what an expression may speak of.
var filterNames = map[string]bool{
	"type": true, "id": true, "tenant": true, "live": true, "created": true, "products": true, "data": true,
}

// filterCheck refuses what could cost more than it looks like, and has a member of what is not there be nil, as if each
// dot were written ?. as one.
type filterCheck struct{ err *file.Error }

// Visit is ast.Visitor's; nodes come before those that hold them.
func (c *filterCheck) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if !filterNames[n.Value] {
			c.refuse(*node, fmt.Sprintf("unknown name %s: want one of type, id, tenant, live, created, products, data", n.Value))
		}
	case *ast.VariableDeclaratorNode:
		c.refuse(*node, "let is not supported here")
	case *ast.BinaryNode:
		c.operator(n)
	case *ast.BuiltinNode:
		if !slices.Contains(filterFunctions, n.Name) {
			c.refuse(*node, n.Name+" is not supported here: want one of "+strings.Join(filterFunctions, ", "))
		}
		if loops[n.Name] && len(n.Arguments) > 1 && holdsLoop(n.Arguments[1]) {
			c.refuse(*node, n.Name+" stands around another loop: want one level")
		}
	case *ast.MemberNode:
		if !n.Optional {
			n.Optional = true
			ast.Patch(node, &ast.ChainNode{Node: n})
		}
	}
}

func (c *filterCheck) operator(n *ast.BinaryNode) {
	switch n.Operator {
	case "..":
		c.refuse(n, "a range is not supported here")
	case "matches":
		if _, ok := n.Right.(*ast.StringNode); !ok {
			c.refuse(n, "matches wants a pattern in quotes on its right")
		}
	}
}

func (c *filterCheck) refuse(at ast.Node, why string) {
	if c.err == nil {
		c.err = &file.Error{Location: at.Location(), Message: why}
	}
}

// holdsLoop reports whether a node is, or holds, a loop.
func holdsLoop(n ast.Node) bool {
	s := &loopSearch{}
	ast.Walk(&n, s)
	return s.found
}

type loopSearch struct{ found bool }

// Visit is ast.Visitor's.
func (s *loopSearch) Visit(node *ast.Node) {
	if b, ok := (*node).(*ast.BuiltinNode); ok && loops[b.Name] {
		s.found = true
	}
}
