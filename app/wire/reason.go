package wire

// Reason is why something is so, as a code with arguments; trays have the words.
type Reason struct {
	Code string            `json:"code"`
	Args map[string]string `json:"args,omitempty"`
}

// Reason codes. Args: system = the telephone system's name, service = a CSTA service name, number = display form.
const (
	ReasonSystemCannot    = "system_cannot"    // this telephone system has no such service (system, service)
	ReasonAnswerAtPhone   = "answer_at_phone"  // calls are answered at the telephone (system)
	ReasonRejectAtPhone   = "reject_at_phone"  // (system)
	ReasonHangUpAtPhone   = "hang_up_at_phone" // this call can only be ended at the telephone (system)
	ReasonNotAfterAnswer  = "not_after_answer" // own dialled calls can be ended from here only until the answer (system)
	ReasonNotNow          = "not_now"          // not in this state of the call
	ReasonCallOver        = "call_over"        // the call is already over
	ReasonDown            = "system_down"      // no connection to the telephone system (system)
	ReasonSignIn          = "system_sign_in"   // the telephone system refuses the sign-in (system)
	ReasonLicence         = "system_licence"   // rights or licence missing at the telephone system (system)
	ReasonRefused         = "system_refused"   // (system)
	ReasonUncertain       = "uncertain"        // not known whether it was carried out
	ReasonNoDevice        = "no_device"        // the user owns no extension
	ReasonNotYours        = "not_yours"        //
	ReasonNumberEmpty     = "number_empty"     //
	ReasonNumberInvalid   = "number_invalid"   // no telephone number
	ReasonNumberLong      = "number_too_long"  //
	ReasonNumberOwn       = "number_own"       // the own extension
	ReasonConfirmStar     = "confirm_star"     // star or feature code: ask first (number)
	ReasonConfirmPremium  = "confirm_premium"  // premium number: ask first (number)
	ReasonConfirmCountry  = "confirm_country"  // another country than the tenant's: ask first (number, country)
	ReasonConfirmExternal = "confirm_link"     // asked for by a link or program: ask first (number)
	ReasonEmergencyLink   = "emergency_link"   // emergency numbers are never dialled for a link or program
	ReasonEmergencyPhone  = "emergency_phone"  // the system could misroute it: use the phone (number)
	ReasonNoAnswerOwn     = "own_not_answered" // the own phone was not picked up
	ReasonFarBusy         = "far_busy"         //
	ReasonFarNoAnswer     = "far_no_answer"    //
	ReasonRejectedOwn     = "own_rejected"     // declined at the own phone
	ReasonCancelled       = "cancelled"        //
	ReasonFailed          = "failed"           // the telephone system gave no better reason
	ReasonTimeout         = "no_reply"         // nothing was heard of it
	ReasonNoURL           = "no_url"           // nothing is configured to open for this call
)
