// Command licences writes docs/THIRD_PARTY.txt: every module linked into our programs, its licence, and the licence's text.
//
// It refuses a licence it does not know, and every GPL, LGPL or AGPL. Without -write it only compares, and fails if the
// file is out of date.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
)

const file = "docs/THIRD_PARTY.txt"

func main() {
	write := flag.Bool("write", false, "write "+file+" instead of comparing")
	flag.Parse()
	if err := run(*write); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(write bool) error {
	components, err := linked(".")
	if err != nil {
		return err
	}
	text, err := notice(components)
	if err != nil {
		return err
	}
	if write {
		return os.WriteFile(file, text, 0o644)
	}
	current, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(current, text) {
		return fmt.Errorf("%s is out of date: run \"make licences\"", file)
	}
	return nil
}
