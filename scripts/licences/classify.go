package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// known are the licences we accept, by a sentence that only they have. Order matters where one contains another.
var known = []struct{ name, sentence string }{
	{"Apache-2.0", "apache license version 2.0, january 2004"},
	{"Apache-2.0", "licensed under the apache license, version 2.0"},
	{"MPL-2.0", "mozilla public license version 2.0"},
	{"MPL-2.0", "mozilla public license, version 2.0"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"},
	{"ISC", "permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted"},
	{"Zlib", "this software is provided 'as-is', without any express or implied warranty"},
	{"Unlicense", "this is free and unencumbered software released into the public domain"},
	{"CC0-1.0", "cc0 1.0 universal"},
	{"Public domain (SQLite)", "all of the code and documentation in sqlite has been dedicated to the public domain"},
	{"BSL-1.0", "boost software license - version 1.0"},
}

const (
	bsd       = "redistribution and use in source and binary forms, with or without modification, are permitted provided that the following conditions are met"
	bsdThird  = "endorse or promote products derived from this software without specific prior written permission"
	bsdFourth = "all advertising materials mentioning features or use of this software"
)

// refused are sentences of licences under which we do not link: the text itself, or a file's statement to be under it.
// That another licence mentions them by name, as MPL-2.0 does, is no reason to refuse.
var refused = []*regexp.Regexp{
	regexp.MustCompile(`gnu (lesser |affero |library )?general public license version \d`),
	regexp.MustCompile(`under the terms of (version \d[\d.]* of )?the gnu`),
	regexp.MustCompile(`under the (gnu )?(a|l)?gpl\b`),
	regexp.MustCompile(`spdx-license-identifier: *(a|l)?gpl`),
	regexp.MustCompile(`server side public license`),
	regexp.MustCompile(`business source license`),
	regexp.MustCompile(`commons clause`),
	regexp.MustCompile(`for non-?commercial (use|purposes) only`),
}

var spaces = regexp.MustCompile(`[\s*#>/|]+`)

// classify names the licences in a text, sorted. An unknown or refused text is an error.
func classify(text string) ([]string, error) {
	// Comment signs and line breaks differ from copy to copy.
	plain := strings.TrimSpace(spaces.ReplaceAllString(strings.ToLower(text), " "))
	plain = strings.ReplaceAll(plain, "and or", "and/or")
	if err := refuse(plain); err != nil {
		return nil, err
	}
	var names []string
	for _, licence := range known {
		if strings.Contains(plain, licence.sentence) {
			names = append(names, licence.name)
		}
	}
	if strings.Contains(plain, bsd) {
		switch {
		case strings.Contains(plain, bsdFourth):
			return nil, fmt.Errorf("BSD with an advertising clause is refused")
		case strings.Contains(plain, bsdThird):
			names = append(names, "BSD-3-Clause")
		default:
			names = append(names, "BSD-2-Clause")
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no licence we know: %.80q", plain)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func refuse(plain string) error {
	for _, sentence := range refused {
		if hit := sentence.FindString(plain); hit != "" {
			return fmt.Errorf("refused licence: %q", hit)
		}
	}
	return nil
}

// isNotice tells files that list or attribute rather than license; they are passed on, not classified.
func isNotice(name string) bool {
	upper := strings.ToUpper(name[strings.LastIndex(name, "/")+1:])
	return strings.HasPrefix(upper, "NOTICE") || strings.Contains(upper, "3RD-PARTY") || strings.Contains(upper, "THIRD")
}
