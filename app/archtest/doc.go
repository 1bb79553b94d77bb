// Package archtest holds the rules that this module's own source must keep: arrows between packages, words, texts. Its tests apply them.
package archtest
