package number

import "strings"

// MaybeDigits is the least number of equal final digits from which two spellings may be the same number.
const MaybeDigits = 7

// Same tells whether a and b are one valid number.
func Same(a, b E164) bool { return a == b && a.Valid() }

// MaybeSame tells whether one of two spellings could be the other without country or area code: the shorter, without
// leading zeros, is the end of the longer and has at least MaybeDigits digits. Equal numbers are also "maybe"; ask Same
// first. Two complete numbers of different countries that end alike are different people, not "maybe".
func MaybeSame(a, b string) bool {
	a, b = strings.TrimLeft(OnlyDigits(Clean(a)), "0"), strings.TrimLeft(OnlyDigits(Clean(b)), "0")
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= MaybeDigits && strings.HasSuffix(b, a)
}
