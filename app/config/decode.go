package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// keyShape is how a key looks at the beginning of a connector's message.
var keyShape = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// decoder fills structs from a parsed TOML file. Unlike the library's it does not stop at the first mistake and names
// every key in full.
type decoder struct{ problems *Problems }

// tomlValue is a type with a form of its own.
type tomlValue interface{ fromTOML(v any) error }

func (d decoder) value(key string, v any, to reflect.Value) {
	if to.CanAddr() {
		switch t := to.Addr().Interface().(type) {
		case tomlValue:
			d.check(key, t.fromTOML(v))
			return
		case encoding.TextUnmarshaler:
			if s, ok := v.(string); ok {
				d.check(key, t.UnmarshalText([]byte(s)))
			} else {
				d.expected(key, "a text in quotation marks", v)
			}
			return
		}
	}
	switch to.Kind() {
	case reflect.Struct:
		if table, ok := d.table(key, v); ok {
			d.structure(key, table, to, nil)
		}
	case reflect.Map:
		d.mapping(key, v, to)
	case reflect.Slice:
		d.list(key, v, to)
	default:
		d.scalar(key, v, to)
	}
}

func (d decoder) check(key string, err error) {
	if err != nil {
		d.problems.add(key, "%s", err)
	}
}

func (d decoder) expected(key, what string, got any) {
	d.problems.add(key, "expected %s, found %s", what, kindOf(got))
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case int64, float64:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}

func (d decoder) table(key string, v any) (map[string]any, bool) {
	table, ok := v.(map[string]any)
	if !ok {
		d.expected(key, "a table", v)
	}
	return table, ok
}

// structure fills the fields of a struct. Keys it does not have are unknown, unless others knows them.
func (d decoder) structure(key string, table map[string]any, to reflect.Value, others []string) {
	fields := fieldsOf(to.Type())
	for _, name := range sortedKeys(table) {
		if i, ok := fields[name]; ok {
			d.value(join(key, name), table[name], to.FieldByIndex(i))
		} else if !slices.Contains(others, name) {
			d.unknown(join(key, name), name, append(sortedKeys(fields), others...))
		}
	}
}

func (d decoder) unknown(key, name string, known []string) {
	if meant := similar(name, known); meant != "" {
		d.problems.add(key, "unknown key, did you mean %q?", meant)
		return
	}
	slices.Sort(known)
	d.problems.add(key, "unknown key, expected one of %s", strings.Join(known, ", "))
}

// fieldsOf maps keys to fields, those of embedded structs too.
func fieldsOf(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if f.IsExported() && !f.Anonymous && name != "" && name != "-" {
			fields[name] = f.Index
		}
	}
	return fields
}

func (d decoder) mapping(key string, v any, to reflect.Value) {
	table, ok := d.table(key, v)
	if !ok {
		return
	}
	if to.IsNil() {
		to.Set(reflect.MakeMap(to.Type()))
	}
	for _, name := range sortedKeys(table) {
		one := reflect.New(to.Type().Elem()).Elem()
		d.value(join(key, name), table[name], one)
		to.SetMapIndex(reflect.ValueOf(name), one)
	}
}

func (d decoder) list(key string, v any, to reflect.Value) {
	items, ok := v.([]any)
	if !ok {
		d.expected(key, "a list in square brackets", v)
		return
	}
	list := reflect.MakeSlice(to.Type(), len(items), len(items))
	for i, item := range items {
		d.value(fmt.Sprintf("%s[%d]", key, i), item, list.Index(i))
	}
	to.Set(list)
}

func (d decoder) scalar(key string, v any, to reflect.Value) {
	switch n, isInt := v.(int64); to.Kind() {
	case reflect.String:
		if s, ok := v.(string); ok {
			to.SetString(s)
			return
		}
		d.expected(key, "a text in quotation marks", v)
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			to.SetBool(b)
			return
		}
		d.expected(key, "true or false", v)
	case reflect.Int, reflect.Int64, reflect.Int32:
		if isInt && !to.OverflowInt(n) {
			to.SetInt(n)
			return
		}
		d.expected(key, "a whole number", v)
	case reflect.Float64:
		if f, ok := v.(float64); ok && !math.IsNaN(f) {
			to.SetFloat(f)
			return
		}
		if isInt {
			to.SetFloat(float64(n))
			return
		}
		d.expected(key, "a number", v)
	default:
		d.problems.add(key, "this key cannot be set in a file")
	}
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func sortedKeys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// Lengths is a range of lengths, written as 3 or [2, 4]. The zero value means that none is set.
type Lengths struct{ Min, Max int }

func (l *Lengths) fromTOML(v any) error {
	wrong := fmt.Errorf("expected a number of digits or [shortest, longest], found %s", kindOf(v))
	values, isList := v.([]any)
	if !isList {
		values = []any{v, v}
	}
	if len(values) != 2 {
		return wrong
	}
	for i, to := range []*int{&l.Min, &l.Max} {
		n, ok := values[i].(int64)
		if !ok || n < 1 || n > 10 {
			return wrong
		}
		*to = int(n)
	}
	return nil
}

// fromTOML takes texts, numbers and true or false, because the trays keep all their settings as text.
func (s *Settings) fromTOML(v any) error {
	table, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("expected a table, found %s", kindOf(v))
	}
	*s = Settings{}
	for name, v := range table {
		switch v.(type) {
		case string, int64, bool:
			(*s)[name] = fmt.Sprint(v)
		default:
			return fmt.Errorf("%s: expected a text, a whole number, true or false, found %s", name, kindOf(v))
		}
	}
	return nil
}
