package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"deskbell/app/about"
	"deskbell/app/desk/link"
	"deskbell/app/desk/view"
	"deskbell/app/localapi"
	"deskbell/app/machine/autostart"
	"deskbell/app/machine/links"
	"deskbell/app/wire"
)

// commands builds the command line, in the user's language.
func (p *program) commands() *cobra.Command {
	root := &cobra.Command{
		Use: "deskbell [tel:… | callto:… | deskbell:…]", Short: p.words.Say("cli.about"), Version: about.Version,
		SilenceUsage: true, SilenceErrors: true, CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args: p.linkOnly,
		Run: func(cmd *cobra.Command, args []string) {
			p.start(cmd.Context(), args)
		},
	}
	root.DisableFlagsInUseLine = true
	root.SetVersionTemplate(about.Line("deskbell") + "\n")
	root.SetUsageTemplate(p.usage())
	root.SetHelpTemplate("{{.Short}}\n\n{{.UsageString}}")
	root.PersistentFlags().StringVar(&p.logLevel, "log", "info", p.words.Say("cli.flag_log"))
	root.PersistentFlags().BoolP("help", "h", false, p.words.Say("cli.flag_help"))
	root.Flags().Bool("version", false, p.words.Say("cli.flag_version"))
	root.AddCommand(p.dial(), p.onCall("answer", view.AskAnswer, "cli.about_answer"), p.onCall("hangup", view.AskHangUp, "cli.about_hangup"),
		p.onCall("pop", view.AskPop, "cli.about_open"), p.mute(), p.status(), p.calls(), p.enroll(),
		p.plain("sign-out", view.AskSignOut, "cli.about_sign_out"), p.plain("quit", view.AskQuit, "cli.about_quit"), p.links(), p.autostart())
	root.SetHelpCommand(&cobra.Command{Use: "help", Short: p.words.Say("cli.about_help"), Hidden: true, Run: func(cmd *cobra.Command, args []string) {
		about, _, err := root.Find(args)
		if err == nil {
			err = about.Help()
		}
		if err != nil {
			p.code = exitUsage
		}
	}})
	for _, cmd := range root.Commands() {
		cmd.DisableFlagsInUseLine = true
	}
	return root
}

// usage is cobra's usage text in our own words.
func (p *program) usage() string {
	return p.words.Say("cli.usage") + `:
  {{.UseLine}}{{if .HasAvailableSubCommands}}

` + p.words.Say("cli.commands") + `:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}

` + p.words.Say("cli.options") + `:
{{.Flags.FlagUsages}}{{if .HasAvailableSubCommands}}
` + p.words.Say("cli.more_help") + `
{{end}}`
}

// linkOnly lets the bare program take one link and nothing else.
func (p *program) linkOnly(_ *cobra.Command, args []string) error {
	if len(args) > 1 || len(args) == 1 && !link.Looks(args[0]) {
		return fmt.Errorf("unknown argument")
	}
	return nil
}

func (p *program) dial() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "dial NUMBER", Short: p.words.Say("cli.about_dial"), Args: cobra.ExactArgs(1), Run: func(cmd *cobra.Command, args []string) {
		// A number that a person typed here is as good as one dialled by hand. A script, and whoever agrees before
		// seeing the question, is a program: an emergency number is never dialled for one.
		origin := wire.OriginProgram
		if !yes && interactive(p.in) {
			origin = wire.OriginTyped
		}
		p.ask(cmd.Context(), view.Ask{Verb: view.AskDial, Number: args[0], Origin: string(origin), Confirmed: yes})
	}}
	cmd.Flags().BoolVar(&yes, "yes", false, p.words.Say("cli.flag_yes"))
	return cmd
}

// onCall is a command for a call: the named one, or the one that is meant.
func (p *program) onCall(name, verb, about string) *cobra.Command {
	return &cobra.Command{Use: name + " [CALL]", Short: p.words.Say(about), Args: cobra.MaximumNArgs(1), Run: func(cmd *cobra.Command, args []string) {
		a := view.Ask{Verb: verb}
		if len(args) == 1 {
			a.Call = args[0]
		}
		p.ask(cmd.Context(), a)
	}}
}

// plain is a command without arguments.
func (p *program) plain(name, verb, about string) *cobra.Command {
	return &cobra.Command{Use: name, Short: p.words.Say(about), Args: cobra.NoArgs, Run: func(cmd *cobra.Command, _ []string) {
		p.ask(cmd.Context(), view.Ask{Verb: verb})
	}}
}

func (p *program) mute() *cobra.Command {
	return &cobra.Command{Use: "mute [on|off]", Short: p.words.Say("cli.about_mute"), Args: cobra.MaximumNArgs(1), Run: func(cmd *cobra.Command, args []string) {
		a := view.Ask{Verb: view.AskMute}
		if len(args) == 1 {
			on, ok := p.onOff(args[0])
			if !ok {
				return
			}
			a.On = &on
		}
		p.ask(cmd.Context(), a)
	}}
}

func (p *program) onOff(s string) (on, ok bool) {
	if s != "on" && s != "off" {
		p.fail(exitUsage, p.words.Say("cli.on_or_off"))
		return false, false
	}
	return s == "on", true
}

func (p *program) status() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "status", Short: p.words.Say("cli.about_status"), Args: cobra.NoArgs, Run: func(cmd *cobra.Command, _ []string) {
		p.withTray(cmd.Context(), func(c *localapi.Client) error {
			s, err := c.View(cmd.Context())
			if err == nil {
				p.printState(s, asJSON, true)
			}
			return err
		})
	}}
	cmd.Flags().BoolVar(&asJSON, "json", false, p.words.Say("cli.flag_json"))
	return cmd
}

func (p *program) calls() *cobra.Command {
	var asJSON, follow bool
	cmd := &cobra.Command{Use: "calls", Short: p.words.Say("cli.about_calls"), Args: cobra.NoArgs, Run: func(cmd *cobra.Command, _ []string) {
		p.withTray(cmd.Context(), func(c *localapi.Client) error {
			if follow {
				return p.follow(cmd.Context(), c, asJSON)
			}
			s, err := c.View(cmd.Context())
			if err == nil {
				p.printCalls(s, asJSON)
			}
			return err
		})
	}}
	cmd.Flags().BoolVar(&asJSON, "json", false, p.words.Say("cli.flag_json"))
	cmd.Flags().BoolVar(&follow, "follow", false, p.words.Say("cli.flag_follow"))
	return cmd
}

// follow prints the running calls whenever they change.
func (p *program) follow(ctx context.Context, c *localapi.Client, asJSON bool) error {
	last := ""
	return c.Follow(ctx, func(s view.State) bool {
		calls, err := json.Marshal([]any{s.Calls, s.Attempts})
		if err != nil || string(calls) == last {
			return err == nil
		}
		last = string(calls)
		if asJSON {
			p.printJSON(map[string]any{"calls": s.Calls, "attempts": s.Attempts}, false)
			return true
		}
		if len(s.Calls) == 0 {
			p.say(p.words.Say("cli.calls_none"))
		}
		for _, k := range s.Calls {
			p.printCall(k)
		}
		return true
	})
}

func (p *program) enroll() *cobra.Command {
	return &cobra.Command{Use: "enroll INVITATION | SERVER CODE", Short: p.words.Say("cli.about_connect"), Args: cobra.RangeArgs(1, 8), Run: func(cmd *cobra.Command, args []string) {
		p.ask(cmd.Context(), view.Ask{Verb: view.AskEnroll, Invitation: strings.Join(args, " ")})
	}}
}

func (p *program) links() *cobra.Command {
	cmd := &cobra.Command{Use: "links", Short: p.words.Say("cli.about_links")}
	register := &cobra.Command{Use: "register", Short: p.words.Say("cli.about_links_register"), Args: cobra.NoArgs, Run: func(cmd *cobra.Command, _ []string) {
		r, err := p.registrar()
		if err == nil {
			err = r.Register(cmd.Context())
		}
		if err != nil {
			p.fail(exitFailed, p.words.Say("cli.links_failed"))
			return
		}
		p.say(p.words.Say("cli.links_ours"))
	}}
	status := &cobra.Command{Use: "status", Short: p.words.Say("cli.about_links_status"), Args: cobra.NoArgs, Run: func(cmd *cobra.Command, _ []string) {
		p.linkStatus(cmd.Context())
	}}
	cmd.AddCommand(register, status)
	return cmd
}

func (p *program) registrar() (links.Registrar, error) {
	exe, err := executable()
	return links.Registrar{Exe: exe, StateDir: p.home.Secrets()}, err
}

func (p *program) linkStatus(ctx context.Context) {
	r, err := p.registrar()
	var handlers []links.Handler
	if err == nil {
		handlers, err = r.Status(ctx)
	}
	if err != nil {
		p.fail(exitFailed, p.words.Say("cli.links_failed"))
		return
	}
	other := slices.IndexFunc(handlers, func(h links.Handler) bool { return !h.Ours })
	switch {
	case other < 0:
		p.say(p.words.Say("cli.links_ours"))
	case handlers[other].Name == "":
		p.say(p.words.Say("cli.links_none"))
	default:
		p.say(p.words.Say("cli.links_other", "name", handlers[other].Name))
	}
}

func (p *program) autostart() *cobra.Command {
	return &cobra.Command{Use: "autostart on|off", Short: p.words.Say("cli.about_autostart"), Args: cobra.ExactArgs(1), Run: func(_ *cobra.Command, args []string) {
		on, ok := p.onOff(args[0])
		if !ok {
			return
		}
		exe, err := executable()
		said := "cli.autostart_off"
		switch {
		case err != nil:
		case on:
			said, err = "cli.autostart_on", autostart.Enable(exe)
		default:
			err = autostart.Disable()
		}
		if err != nil {
			p.fail(exitFailed, p.words.Say("cli.autostart_failed"))
			return
		}
		p.say(p.words.Say(said))
	}}
}
