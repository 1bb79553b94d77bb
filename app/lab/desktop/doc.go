// Package desktop holds the tests of the whole Deskbell: the real programs on a virtual desktop, watched from outside.
package desktop
