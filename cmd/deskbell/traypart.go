package main
import ("context";"deskbell/app/desk";"errors")
type noTray struct{}
func (noTray) Update(desk.Tray) {}
func (r *resident) openTray() desk.TrayIcon { return noTray{} }
func (r *resident) runTray(ctx context.Context, cancel func()) { r.loop.Run(ctx) }
type clip struct{}
func (clip) Read(context.Context) (string, error) { return "", errors.New("none") }
func (clip) Copy(context.Context, string) error { return nil }
