package main

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A mutant is one small change: the bytes from start to end of a file become something else.
type mutant struct {
	file        string
	line        int
	source      []byte
	start, end  int
	replacement string
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d  %s → %s", m.file, m.line, short(string(m.source[m.start:m.end])), short(m.replacement))
}

func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return "nothing"
	}
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}

// changed is the file's text with the change.
func (m mutant) changed() []byte {
	return slices.Concat(m.source[:m.start], []byte(m.replacement), m.source[m.end:])
}

// swaps are operators and what they become.
var swaps = map[token.Token]string{
	token.EQL: "!=", token.NEQ: "==", token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">",
	token.LAND: "||", token.LOR: "&&", token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*",
	token.BREAK: "continue", token.CONTINUE: "break", token.INC: "--", token.DEC: "++",
	token.ADD_ASSIGN: "-=", token.SUB_ASSIGN: "+=",
}

// mutantsOf finds every change that can be made below a folder, tests and generated code left out.
func mutantsOf(folder string) ([]mutant, error) {
	var all []mutant
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); name == "testdata" || (strings.HasSuffix(name, "test") && name != "test") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		if built, err := build.Default.MatchFile(filepath.Dir(path), filepath.Base(path)); err != nil || !built {
			return err
		}
		found, err := mutantsIn(path)
		all = append(all, found...)
		return err
	})
	return all, err
}

func mutantsIn(path string) ([]mutant, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil || ast.IsGenerated(file) {
		return nil, err
	}
	f := finder{path: filepath.Clean(path), source: source, fset: fset}
	for _, decl := range file.Decls {
		if function, ok := decl.(*ast.FuncDecl); ok && function.Body != nil {
			ast.Inspect(function.Body, f.visit)
		}
	}
	return f.found, nil
}

// finder gathers the changes of one file.
type finder struct {
	path   string
	source []byte
	fset   *token.FileSet
	found  []mutant
}

func (f *finder) add(pos, end token.Pos, replacement string) {
	start := f.fset.Position(pos)
	f.found = append(f.found, mutant{
		file: f.path, line: start.Line, source: f.source,
		start: start.Offset, end: f.fset.Position(end).Offset, replacement: replacement,
	})
}

func (f *finder) swap(pos token.Pos, operator token.Token) {
	if other := swaps[operator]; other != "" {
		f.add(pos, pos+token.Pos(len(operator.String())), other)
	}
}

// visit adds the changes that a node offers. Log calls are left alone: what they say is for people.
func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		f.swap(n.OpPos, n.Op)
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			f.add(n.OpPos, n.OpPos+1, "")
		}
	case *ast.IncDecStmt:
		f.swap(n.TokPos, n.Tok)
	case *ast.AssignStmt:
		f.swap(n.TokPos, n.Tok)
		if n.Tok == token.ASSIGN && len(n.Lhs) == 1 {
			f.add(n.Pos(), n.End(), "")
		}
	case *ast.BranchStmt:
		if n.Label == nil {
			f.swap(n.TokPos, n.Tok)
		}
	case *ast.Ident:
		if n.Name == "true" || n.Name == "false" {
			f.add(n.Pos(), n.End(), strconv.FormatBool(n.Name == "false"))
		}
	case *ast.BasicLit:
		if n.Kind == token.INT {
			f.add(n.Pos(), n.End(), n.Value+"+1")
		}
	case *ast.ExprStmt:
		if isLog(n.X) {
			return false
		}
		f.add(n.Pos(), n.End(), "")
	case *ast.DeferStmt:
		f.add(n.Pos(), n.End(), "")
	}
	return true
}

// isLog tells calls of a logger's methods.
func isLog(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	levels := []string{"Debug", "Info", "Warn", "Error", "Log", "LogAttrs"}
	return slices.Contains(levels, strings.TrimSuffix(method.Sel.Name, "Context"))
}
