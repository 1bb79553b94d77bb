package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pelletier/go-toml/v2"
)

// Messages are one language's texts: by message id, then by plural form ("other" for texts without a count).
type Messages map[string]map[string]string

// ParseMessages reads a go-i18n message file: id = "text", or [id] with one text per plural form.
func ParseMessages(raw []byte) (Messages, error) {
	var tree map[string]any
	if err := toml.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	messages := Messages{}
	if err := messages.collect("", tree); err != nil {
		return nil, err
	}
	return messages, nil
}

// notText are keys of a go-i18n message that no user sees.
var notText = []string{"description", "hash", "leftDelim", "rightDelim", "id"}

// pluralForms are CLDR's, the keys by which a table is known to be a message.
var pluralForms = []string{"zero", "one", "two", "few", "many", "other"}

func (messages Messages) collect(prefix string, tree map[string]any) error {
	for key, value := range tree {
		id := strings.TrimPrefix(prefix+"."+key, ".")
		switch value := value.(type) {
		case string:
			switch {
			case slices.Contains(notText, key) && prefix != "":
			case slices.Contains(pluralForms, key) && prefix != "":
				messages.add(prefix, key, value)
			default:
				messages.add(id, "other", value)
			}
		case map[string]any:
			if err := messages.collect(id, value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is neither a text nor a table", id)
		}
	}
	return nil
}

func (messages Messages) add(id, form, text string) {
	if messages[id] == nil {
		messages[id] = map[string]string{}
	}
	messages[id][form] = text
}

var placeholder = regexp.MustCompile(`\{\{-?\s*(.*?)\s*-?\}\}`)

// placeholders returns the distinct placeholders of a text, sorted.
func placeholders(text string) []string {
	seen := map[string]bool{}
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		seen[match[1]] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// CompareLanguages returns what one language has and the other has not: messages, and placeholders within them.
func CompareLanguages(nameA string, a Messages, nameB string, b Messages) []string {
	var found []string
	for _, id := range slices.Sorted(maps.Keys(a)) {
		if b[id] == nil {
			found = append(found, fmt.Sprintf("%s is missing in %s", id, nameB))
			continue
		}
		if pa, pb := placeholders(a[id]["other"]), placeholders(b[id]["other"]); !slices.Equal(pa, pb) {
			found = append(found, fmt.Sprintf("%s has %v in %s and %v in %s", id, pa, nameA, pb, nameB))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b)) {
		if a[id] == nil {
			found = append(found, fmt.Sprintf("%s is missing in %s", id, nameA))
		}
	}
	return found
}

// CheckMessages returns what is wrong within one language: no text, no "other" form, forms that name a placeholder
// the "other" form does not know.
func CheckMessages(messages Messages) []string {
	var found []string
	for _, id := range slices.Sorted(maps.Keys(messages)) {
		forms := messages[id]
		known := placeholders(forms["other"])
		for _, form := range slices.Sorted(maps.Keys(forms)) {
			if strings.TrimSpace(forms[form]) == "" {
				found = append(found, id+" has an empty text")
			}
			for _, name := range placeholders(forms[form]) {
				if !slices.Contains(known, name) {
					found = append(found, fmt.Sprintf("%s knows %s only in the form %q", id, name, form))
				}
			}
		}
	}
	return found
}

// Forbidden are the trade's words that people do not know, by language. What they see instead stands beside each.
var Forbidden = map[string]map[string]string{
	"en": {
		`CTI`: "telephone system", `PBX`: "telephone system", `connectors?`: "telephone system",
		`alerting`: "calling", `screen[- ]?pops?`: "open customer", `pop(s|ped)?`: "open customer",
		`previews?`: "call card", `toasts?`: "notification", `enrol(l|led|ment)?`: "connect, invitation", `tokens?`: "invitation",
		`sockets?`: "no connection", `web ?sockets?`: "no connection", `sessions?`: "no connection", `reconnect(ing|ed)?`: "trying again",
		`presence`: "status", `DND`: "do not disturb", `consult(ation)?`: "ask first", `blind transfer`: "transfer now",
		`deflect`: "send to…", `alternate`: "swap", `ignore`: "silence", `maybe`: "perhaps", `40[13]`: "the telephone system refuses the sign-in",
		`CSTA`: "telephone system", `daemon`: "server",
	},
	"de": {
		`CTI`: "Telefonanlage", `PBX`: "Telefonanlage", `[CK]onne[ck]tor(en|s)?`: "Telefonanlage", `TK-Anlage`: "Telefonanlage",
		`Alerting`: "klingelt", `Screen[- ]?Pops?`: "Kunde öffnen", `Pop-?ups?`: "Kunde öffnen", `Pop`: "Kunde öffnen",
		`Preview`: "Anrufkarte", `Toasts?`: "Benachrichtigung", `Tokens?`: "Einladung", `Sockets?`: "keine Verbindung", `Sessions?`: "keine Verbindung",
		`Sitzung(en)?`: "keine Verbindung", `Präsenz`: "Status", `Presence`: "Status", `DND`: "nicht stören", `Extensions?`: "Nebenstelle", `Durchwahl(en)?`: "Nebenstelle",
		`Ignorieren`: "stumm", `vielleicht nicht`: "vielleicht", `40[13]`: "Die Telefonanlage lehnt die Anmeldung ab",
		`[Dd](u|ich|ir|ein|eine|einen|einer|einem|eines)`: "Sie", `CSTA`: "Telefonanlage", `Daemon`: "Server",
	},
}

// CheckWords returns the messages with a word that the language forbids. Placeholders are no words.
func CheckWords(language string, messages Messages) []string {
	var found []string
	for _, id := range slices.Sorted(maps.Keys(messages)) {
		for _, form := range slices.Sorted(maps.Keys(messages[id])) {
			text := placeholder.ReplaceAllString(messages[id][form], " ")
			for word, instead := range Forbidden[language] {
				if hit := wholeWord(word, language == "en").FindString(text); hit != "" {
					found = append(found, fmt.Sprintf("%s says %q (say: %s)", id, strings.TrimSpace(hit), instead))
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

// wholeWord matches a pattern between characters that are no letters. \b does not know ä, ö and ü.
func wholeWord(pattern string, anyCase bool) *regexp.Regexp {
	flags := ""
	if anyCase {
		flags = "(?i)"
	}
	return regexp.MustCompile(flags + `(?:^|[^\pL\pN])(?:` + pattern + `)(?:$|[^\pL\pN])`)
}

// shown are the fields, parameters' receivers and functions whose text a person sees.
var shownFields = []string{"Title", "Body", "Label", "Tooltip", "Text", "Summary", "PlaceHolder", "Placeholder", "Heading", "Caption", "Sentence", "Hint", "Button"}

// shownCalls are calls whose first argument a person sees.
var shownCalls = []string{"SetTitle", "SetTooltip", "SetText", "SetLabel", "AddMenuItem", "AddSubMenuItem", "NewLabel", "NewButton", "NewMenuItem"}

// CheckHardCoded returns texts that stand in the code of packages people see, instead of in the message files.
func CheckHardCoded(m *Module, packages []string) []string {
	var found []string
	note := func(where ast.Expr, what string) {
		ast.Inspect(where, func(n ast.Node) bool {
			// The arguments of a call are its business: a translator's get a message id.
			if _, isCall := n.(*ast.CallExpr); isCall {
				return false
			}
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(literal.Value); err == nil && readable(text) {
				found = append(found, fmt.Sprintf("%s: %s is %q", m.at(literal.Pos()), what, text))
			}
			return true
		})
	}
	eachFile(m, func(file *File) {
		if file.Test || !withinAny(file.Path, packages) {
			return
		}
		ast.Inspect(file.AST, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && slices.Contains(shownFields, key.Name) {
					note(n.Value, key.Name)
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if field, ok := left.(*ast.SelectorExpr); ok && i < len(n.Rhs) && slices.Contains(shownFields, field.Sel.Name) {
						note(n.Rhs[i], field.Sel.Name)
					}
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) > 0 && slices.Contains(shownCalls, f.Sel.Name) {
					note(n.Args[0], f.Sel.Name)
				}
			}
			return true
		})
	})
	return found
}

// readable tells a text for people from a name, a sign or a format: it has a word of two letters with a capital, or
// several words.
func readable(text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' && r != '.' && r != '-' && r != '/' })
	long := slices.DeleteFunc(words, func(word string) bool { return len([]rune(word)) < 2 })
	if len(long) >= 2 {
		return true
	}
	return len(long) == 1 && unicode.IsUpper([]rune(long[0])[0]) && strings.ToUpper(long[0]) != long[0]
}
