package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// CheckPackageComments returns the packages without one comment of the form "Package name …" or "Command name …" whose
// first line is a whole sentence: the package's one job.
func CheckPackageComments(m *Module) []string {
	var found []string
	for _, p := range m.Sorted() {
		var comments []string
		for _, file := range p.Files {
			if file.AST.Doc == nil {
				continue
			}
			// Where every file is for some system only, each build needs its own comment.
			if len(comments) == 0 || !constrained(file.AST) {
				comments = append(comments, file.AST.Doc.Text())
			}
		}
		if problem := packageCommentProblem(p, comments); problem != "" {
			found = append(found, p.Path+": "+problem)
		}
	}
	return found
}

// constrained tells whether a file has a build constraint.
func constrained(file *ast.File) bool {
	for _, group := range file.Comments {
		if group.Pos() < file.Package && strings.HasPrefix(group.List[0].Text, "//go:build ") {
			return true
		}
	}
	return false
}

func packageCommentProblem(p *Package, comments []string) string {
	switch len(comments) {
	case 0:
		return "no package comment"
	case 1:
	default:
		return fmt.Sprintf("%d package comments", len(comments))
	}
	first, _, _ := strings.Cut(comments[0], "\n")
	start := "Package " + p.Name + " "
	if p.Name == "main" {
		start = "Command "
	}
	switch {
	case !strings.HasPrefix(first, start):
		return fmt.Sprintf("the package comment does not start with %q", start)
	case !strings.HasSuffix(first, "."):
		return "the package comment's first line is no whole sentence"
	}
	return ""
}

// CheckSkips returns the places that skip a test: a test that cannot run here is missing a dependency to install.
func CheckSkips(m *Module) []string {
	var found []string
	eachFile(m, func(file *File) {
		ast.Inspect(file.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			selector, ok := call.Fun.(*ast.SelectorExpr)
			if ok && file.Test && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, selector.Sel.Name) {
				found = append(found, m.at(selector.Sel.Pos())+" skips a test")
			}
			return true
		})
	})
	return found
}

// unfinished are words by which an author says that the code is not done. They are put together here, so that this
// file does not contain them.
var unfinished = regexp.MustCompile(`\b(` + strings.Join([]string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "not (yet )?imple" + "mented"}, "|") + `)\b`)

// CheckUnfinished returns comments and texts that say the code is not done.
func CheckUnfinished(m *Module) []string {
	var found []string
	note := func(pos token.Pos, text string) {
		if word := unfinished.FindString(text); word != "" {
			found = append(found, fmt.Sprintf("%s says %q", m.at(pos), word))
		}
	}
	eachFile(m, func(file *File) {
		for _, group := range file.AST.Comments {
			note(group.Pos(), group.Text())
		}
		eachString(file, func(pos token.Pos, text string) { note(pos, text) })
	})
	return found
}

// vendors are the names that must not steer code outside the connectors.
var vendors = regexp.MustCompile(`(?i)nfon|telepo|ucserver|\bestos|anywhere365|asterisk`)

// neutral are the packages that know contracts and no vendor.
var neutral = []string{"app/csta", "app/number", "app/contact", "app/pbx", "app/presence", "app/wire", "app/server", "app/journal", "app/bus", "app/client", "app/desk", "app/rule", "app/localapi", "ui"}

// CheckVendors returns names and texts with a vendor's name in packages that must not know one. Comments may give examples.
func CheckVendors(m *Module) []string {
	var found []string
	eachFile(m, func(file *File) {
		if file.Test || !withinAny(file.Path, neutral) || slices.ContainsFunc(strings.Split(file.Path, "/"), isTestHelper) {
			return
		}
		eachString(file, func(pos token.Pos, text string) {
			if name := vendors.FindString(text); name != "" {
				found = append(found, fmt.Sprintf("%s has the text %q", m.at(pos), name))
			}
		})
		ast.Inspect(file.AST, func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok && vendors.MatchString(name.Name) {
				found = append(found, fmt.Sprintf("%s has the name %s", m.at(name.Pos()), name.Name))
			}
			return true
		})
	})
	return found
}

func eachFile(m *Module, visit func(*File)) {
	for _, p := range m.Sorted() {
		for _, file := range p.Files {
			visit(file)
		}
	}
}

// eachString visits a file's string literals, import paths left out.
func eachString(file *File, visit func(pos token.Pos, text string)) {
	ast.Inspect(file.AST, func(n ast.Node) bool {
		if _, isImport := n.(*ast.ImportSpec); isImport {
			return false
		}
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				visit(literal.Pos(), text)
			}
		}
		return true
	})
}

// at names a place as file:line, below the module.
func (m *Module) at(pos token.Pos) string {
	position := m.Fset.Position(pos)
	return fmt.Sprintf("%s:%d", strings.TrimPrefix(position.Filename, m.Root+"/"), position.Line)
}
