package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ModulePath is the module's import path.
const ModulePath = "deskbell"

// A Module is the source of the whole module, parsed and not built, so that every system's files are seen at once.
type Module struct {
	Root     string
	Fset     *token.FileSet
	Packages map[string]*Package // by path below the module, "app/csta"
}

// A Package is one folder's Go files.
type Package struct {
	Path        string
	Name        string
	Files       []*File
	Imports     map[string]string // import path → a file that has it, test files left out
	TestImports map[string]string // the same of test files
}

// A File is one parsed source file.
type File struct {
	Path string // below the module
	Test bool
	AST  *ast.File
}

// Load parses the module that the folder belongs to.
func Load(dir string) (*Module, error) {
	root, err := findRoot(dir)
	if err != nil {
		return nil, err
	}
	m := &Module{Root: root, Fset: token.NewFileSet(), Packages: map[string]*Package{}}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipFolder(root, path, entry.Name())
		}
		if strings.HasSuffix(path, ".go") {
			return m.add(path)
		}
		return nil
	})
	return m, err
}

// skipFolder leaves out what the go command leaves out, and what make writes.
func skipFolder(root, path, name string) error {
	if path != root && (name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
		return fs.SkipDir
	}
	if filepath.Dir(path) == root && (name == "build" || name == "dist") {
		return fs.SkipDir
	}
	return nil
}

func findRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", fmt.Errorf("no go.mod above")
	}
}

func (m *Module) add(path string) error {
	parsed, err := parser.ParseFile(m.Fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if neverBuilt(parsed) {
		return nil
	}
	relative, err := filepath.Rel(m.Root, path)
	if err != nil {
		return err
	}
	m.AddFile(filepath.ToSlash(relative), parsed)
	return nil
}

// neverBuilt tells files that only the go command's module bookkeeping or a person running them by hand looks at.
func neverBuilt(file *ast.File) bool {
	for _, group := range file.Comments {
		for _, line := range group.List {
			if line.Pos() < file.Package && (line.Text == "//go:build deps" || line.Text == "//go:build ignore") {
				return true
			}
		}
	}
	return false
}

// AddFile puts a parsed file into its package.
func (m *Module) AddFile(path string, parsed *ast.File) {
	folder := "."
	if i := strings.LastIndex(path, "/"); i >= 0 {
		folder = path[:i]
	}
	p := m.Packages[folder]
	if p == nil {
		p = &Package{Path: folder, Imports: map[string]string{}, TestImports: map[string]string{}}
		m.Packages[folder] = p
	}
	file := &File{Path: path, Test: strings.HasSuffix(path, "_test.go"), AST: parsed}
	p.Files = append(p.Files, file)
	if name := parsed.Name.Name; p.Name == "" || !file.Test {
		p.Name = strings.TrimSuffix(name, "_test")
	}
	imports := p.Imports
	if file.Test {
		imports = p.TestImports
	}
	for _, spec := range parsed.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil {
			imports[name] = path
		}
	}
}

// Sorted returns the packages by path.
func (m *Module) Sorted() []*Package {
	all := make([]*Package, 0, len(m.Packages))
	for _, p := range m.Packages {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *Package) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// Reach returns everything a package imports by way of our own packages, each with the chain that leads there.
// What a third-party module imports in turn is not followed.
func (m *Module) Reach(from string) map[string][]string {
	chains := map[string][]string{}
	var visit func(path string, chain []string)
	visit = func(path string, chain []string) {
		p := m.Packages[path]
		if p == nil {
			return
		}
		for imported := range p.Imports {
			if _, seen := chains[imported]; seen {
				continue
			}
			longer := append(slices.Clone(chain), imported)
			chains[imported] = longer
			if own, is := ours(imported); is {
				visit(own, longer)
			}
		}
	}
	visit(from, []string{ModulePath + "/" + from})
	return chains
}

// ours turns the import path of one of our packages into its path below the module.
func ours(imported string) (string, bool) {
	if imported == ModulePath {
		return ".", true
	}
	return strings.CutPrefix(imported, ModulePath+"/")
}

// within tells whether a path is the pattern's folder or below it. A pattern that ends in "!" means only the folder itself.
func within(path, pattern string) bool {
	if exact, is := strings.CutSuffix(pattern, "!"); is {
		return path == exact
	}
	return path == pattern || strings.HasPrefix(path, pattern+"/")
}

func withinAny(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return within(path, pattern) })
}
