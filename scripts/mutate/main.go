// Command mutate changes one line of our code at a time and tells whether a test notices.
//
//	mutate [-n 50] [-seed 1] FOLDER ...
//
// Each mutant is a copy of one file that go test takes in place of the real one, so the source itself is never touched.
// Mutants that do not compile are replaced by others. The seed makes a run repeatable; every survivor is printed with its
// place, since it is either a missing test or a change that makes no difference.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	n := flag.Int("n", 50, "mutants to try")
	seed := flag.Uint64("seed", 1, "which mutants are drawn")
	limit := flag.Duration("limit", time.Minute, "time after which a mutant's tests count as failed")
	least := flag.Int("least", 80, "percentage that must be killed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	result, err := run(ctx, flag.Args(), *n, *seed, *limit)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
	fmt.Printf("mutate: %d of %d killed (%d %%)\n", result.killed, result.tried(), result.percent())
	if result.percent() < *least {
		os.Exit(1)
	}
}

// result counts what became of the mutants.
type result struct{ killed, survived int }

func (r result) tried() int { return r.killed + r.survived }

func (r result) percent() int {
	if r.tried() == 0 {
		return 0
	}
	return 100 * r.killed / r.tried()
}

func run(ctx context.Context, folders []string, n int, seed uint64, limit time.Duration) (result, error) {
	var all []mutant
	for _, folder := range folders {
		found, err := mutantsOf(folder)
		if err != nil {
			return result{}, err
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return result{}, errors.New("no code to change in these folders")
	}
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	fmt.Printf("mutate: %d of %d possible changes, seed %d\n", min(n, len(all)), len(all), seed)
	var r result
	for _, m := range all {
		if r.tried() == n {
			break
		}
		verdict, err := try(ctx, m, limit)
		if err != nil {
			return r, err
		}
		switch verdict {
		case killed:
			r.killed++
		case survived:
			r.survived++
			fmt.Printf("survived  %s\n", m)
		case invalid:
		}
	}
	return r, nil
}

type verdict int

const (
	invalid verdict = iota // does not compile, or is not part of this system's build
	killed
	survived
)

// try tests one mutant: first its own package, then, if nobody noticed, those that stand around it.
func try(ctx context.Context, m mutant, limit time.Duration) (verdict, error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return invalid, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := m.overlay(dir)
	if err != nil {
		return invalid, err
	}
	pkg := "./" + filepath.Dir(m.file)
	if exec.CommandContext(ctx, "go", "build", "-overlay="+overlay, pkg).Run() != nil {
		return invalid, ctx.Err()
	}
	for _, packages := range [][]string{{pkg}, around(pkg)} {
		args := append([]string{"test", "-overlay=" + overlay, "-count=1", "-failfast", "-vet=off", "-timeout=" + limit.String()}, packages...)
		if exec.CommandContext(ctx, "go", args...).Run() != nil {
			return killed, ctx.Err()
		}
	}
	return survived, nil
}

// around names the packages of the same part of the program: app/server/hub lies in app/server.
func around(pkg string) []string {
	parts := strings.SplitN(strings.TrimPrefix(pkg, "./"), "/", 3)
	return []string{"./" + strings.Join(parts[:min(2, len(parts))], "/") + "/..."}
}

// overlay writes the changed file, and the file that tells go to take it.
func (m mutant) overlay(dir string) (string, error) {
	changed := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(changed, m.changed(), 0o600); err != nil {
		return "", err
	}
	real, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(map[string]map[string]string{"Replace": {real: changed}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, raw, 0o600)
}
