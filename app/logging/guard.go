package logging

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// Guard wraps a handler so that a number or secret does not reach the log even where the typed masks were forgotten,
// for example inside the text of an error. It is the last line, not the first: use the types.
func Guard(h slog.Handler) slog.Handler { return guard{h} }

type guard struct{ next slog.Handler }

func (g guard) Enabled(ctx context.Context, l slog.Level) bool { return g.next.Enabled(ctx, l) }

func (g guard) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, MaskText(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(maskAttr(a))
		return true
	})
	return g.next.Handle(ctx, clean)
}

func (g guard) WithAttrs(as []slog.Attr) slog.Handler {
	return guard{g.next.WithAttrs(maskAttrs(as))}
}

func (g guard) WithGroup(name string) slog.Handler { return guard{g.next.WithGroup(name)} }

func maskAttrs(as []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(as))
	for i, a := range as {
		clean[i] = maskAttr(a)
	}
	return clean
}

func maskAttr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	if secretKey(a.Key) && v.Kind() != slog.KindGroup {
		return slog.Attr{Key: a.Key, Value: Secret(v.String()).LogValue()}
	}
	return slog.Attr{Key: a.Key, Value: maskValue(v)}
}

func maskValue(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(MaskText(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(maskAttrs(v.Group())...)
	case slog.KindAny, slog.KindLogValuer:
		return slog.StringValue(MaskText(fmt.Sprintf("%+v", v.Any())))
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindInt64, slog.KindTime, slog.KindUint64:
		return v
	}
	return v
}

// secretKey tells by its name an attribute that must never be shown.
func secretKey(key string) bool {
	key = strings.ToLower(key)
	for _, word := range []string{"password", "passwd", "secret", "authorization", "bearer", "cookie", "private_key"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return key == "token" || strings.HasSuffix(key, "_token") || strings.HasSuffix(key, "-token") || key == "api_key"
}
