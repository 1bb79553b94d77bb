package demo

import "context"

func (s *scene) openMenu(ctx context.Context) { s.picture(ctx, "talking") }
