package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheFileIsUpToDate makes the file anew from what the programs link, which refuses unknown licences on the way.
func TestTheFileIsUpToDate(t *testing.T) {
	components, err := linked("../..")
	require.NoError(t, err)
	text, err := notice(components)
	require.NoError(t, err)
	current, err := os.ReadFile(filepath.Join("..", "..", file))
	require.NoError(t, err)
	require.True(t, string(current) == string(text), "run \"make licences\": %s", firstDifference(string(current), string(text)))
}

// firstDifference spares the reader two texts of 200 kB.
func firstDifference(current, wanted string) string {
	have, want := strings.Split(current, "\n"), strings.Split(wanted, "\n")
	for i := range min(len(have), len(want)) {
		if have[i] != want[i] {
			return file + " has " + have[i] + ", wanted is " + want[i]
		}
	}
	return file + " has another length"
}

func TestClassify(t *testing.T) {
	library, err := goLicence()
	require.NoError(t, err)
	goText := library.Texts[0].Text
	ownText, err := os.ReadFile(filepath.Join("..", "..", "LICENSE"))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		text   string
		wanted []string
	}{
		"BSD-3":         {goText, []string{"BSD-3-Clause"}},
		"MIT":           {string(ownText), []string{"MIT"}},
		"as a comment":  {"// " + strings.ReplaceAll(string(ownText), "\n", "\n// "), []string{"MIT"}},
		"two in one":    {string(ownText) + goText, []string{"BSD-3-Clause", "MIT"}},
		"BSD-2":         {strings.ReplaceAll(goText, "endorse or promote", "praise"), []string{"BSD-2-Clause"}},
		"MPL names GPL": {"Mozilla Public License Version 2.0 … \"Secondary License\" means either the GNU General Public License, Version 2.0, the GNU Lesser …", []string{"MPL-2.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			names, err := classify(c.text)
			require.NoError(t, err)
			require.Equal(t, c.wanted, names)
		})
	}
}

func TestClassifyRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"GPL-3":           "GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007",
		"LGPL-2.1":        "GNU LESSER GENERAL PUBLIC LICENSE\n  Version 2.1, February 1999",
		"AGPL-3":          "GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3, 19 November 2007",
		"GPL by mention":  "This program is free software; you can redistribute it under the terms of the GNU General Public License.",
		"GPL beside MIT":  "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files. Parts are under the GPL.",
		"GPL by SPDX":     "SPDX-License-Identifier: GPL-2.0-only",
		"BSD-4":           bsd + " " + bsdFourth,
		"not for trade":   "You may use this for non-commercial purposes only.",
		"unknown":         "Ask me before you use this.",
		"nothing":         "",
		"business source": "Business Source License 1.1",
	} {
		t.Run(name, func(t *testing.T) {
			names, err := classify(text)
			require.Error(t, err, "%v", names)
		})
	}
}

func TestAComponentNeedsALicenceOfItsOwn(t *testing.T) {
	_, err := notice([]component{{Path: "example.org/bare", Version: "v1.0.0", Texts: []licenceText{{Name: "NOTICE", Text: "thanks"}}}})
	require.ErrorContains(t, err, "example.org/bare v1.0.0 has no licence file")
}

func TestEqualTextsStandOnce(t *testing.T) {
	mit, err := os.ReadFile(filepath.Join("..", "..", "LICENSE"))
	require.NoError(t, err)
	texts := []licenceText{{Name: "LICENSE", Text: tidy(string(mit))}}
	out, err := notice([]component{{Path: "example.org/a", Texts: texts}, {Path: "example.org/b", Texts: texts}})
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(out), "Permission is hereby granted"))
	require.Contains(t, string(out), "example.org/a: MIT\nexample.org/b: MIT\n")
}
