// Package wine holds the tests of the Windows programs, run under wine on a virtual desktop and watched from outside.
package wine
