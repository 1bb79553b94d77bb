package nfon

import "deskbell/app/number"

func e164(s string) number.E164 { return number.E164(s) }
