package subscription

import (
	"fmt"
	"regexp/syntax"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// What a filter may hold of what costs more than its size, so that it costs an event about as much as reading it, whatever
// the event says and whoever wrote the filter: it is run while others wait to publish, and cannot be broken off.
const (
	maxAdditions = 10   // each may make a text as long as all before it together
	maxLoops     = 4    // each looks at every element
	maxPatterns  = 4    // each costs its steps for every byte
	maxSteps     = 1000 // of a pattern, compiled
)

// checkCost refuses an expression, which compiles, for what it could cost.
func checkCost(text string) *file.Error {
	tree, err := parser.Parse(text)
	if err != nil {
		return &file.Error{Message: firstLine(err.Error())}
	}
	c := &filterCost{}
	ast.Walk(&tree.Node, c)
	return c.err
}

type filterCost struct {
	additions, loops, patterns int
	err                        *file.Error
}

// Visit is ast.Visitor's.
func (c *filterCost) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		switch n.Operator {
		case "+":
			c.atMost(n, &c.additions, maxAdditions, "+")
		case "matches":
			c.atMost(n, &c.patterns, maxPatterns, "matches")
			if s, ok := n.Right.(*ast.StringNode); ok && stepsOf(s.Value) > maxSteps {
				c.refuse(n.Right, "the pattern is too costly: want fewer or smaller repetitions")
			}
		}
	case *ast.BuiltinNode:
		if !loops[n.Name] {
			return
		}
		c.atMost(n, &c.loops, maxLoops, "loops")
		if len(n.Arguments) > 1 {
			if at := largeIn(n.Arguments[1]); at != nil {
				c.refuse(at, at.Value+" within "+n.Name+" may only be compared, as in .sku == data.sku: for every element it would be gone through anew")
			}
		}
	}
}

func (c *filterCost) atMost(at ast.Node, n *int, most int, what string) {
	if *n++; *n > most {
		c.refuse(at, fmt.Sprintf("want at most %d %s", most, what))
	}
}

func (c *filterCost) refuse(at ast.Node, why string) {
	if c.err == nil {
		c.err = &file.Error{Location: at.Location(), Message: why}
	}
}

// stepsOf is how many instructions a pattern compiles to; a byte costs at most as many.
func stepsOf(pattern string) int {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0 // it does not compile
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0
	}
	return len(prog.Inst)
}

// largeIn returns a name of what may be large that an expression does more with than compare it, or a part of it; nil: there is
// none. A comparison costs no more than the smaller side.
func largeIn(n ast.Node) *ast.IdentifierNode {
	s := &largeSearch{}
	ast.Walk(&n, s)
	for _, name := range s.found {
		if !s.compared[name] {
			return name
		}
	}
	return nil
}

type largeSearch struct {
	found    []*ast.IdentifierNode
	compared map[*ast.IdentifierNode]bool
}

// Visit is ast.Visitor's.
func (s *largeSearch) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if n.Value == "data" || n.Value == "products" {
			s.found = append(s.found, n)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "==", "!=", "<", "<=", ">", ">=":
			for _, side := range []ast.Node{n.Left, n.Right} {
				if name := rootOf(side); name != nil {
					if s.compared == nil {
						s.compared = map[*ast.IdentifierNode]bool{}
					}
					s.compared[name] = true
				}
			}
		}
	}
}

// rootOf returns the name that a path such as data.items[0].sku begins with; nil: it is none.
func rootOf(n ast.Node) *ast.IdentifierNode {
	for {
		switch at := n.(type) {
		case *ast.IdentifierNode:
			return at
		case *ast.ChainNode:
			n = at.Node
		case *ast.MemberNode:
			switch at.Property.(type) {
			case *ast.StringNode, *ast.IntegerNode:
			default:
				return nil
			}
			n = at.Node
		default:
			return nil
		}
	}
}
