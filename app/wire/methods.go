package wire

// Notification methods, server to tray. All but hello carry seq.
const (
	NoteHello    = "hello"
	NoteSnapshot = "snapshot" // replaces all that was known
	NoteCall     = "call"     // one call as it is now (also its end)
	NoteJoined   = "joined"   // one call id is part of another now
	NoteLine     = "line"     // one device's line state
	NoteContact  = "contact"  // who a call is from, a further stage
	NoteAttempt  = "attempt"  // how far a MakeCall came
	NotePop      = "pop"      // offer to open the customer
	NoteEntry    = "entry"    // one entry of the call list is new or changed
	NoteGap      = "gap"      // news may be missing from a time
	NoteTrouble  = "trouble"  // trouble raised or cleared
	NoteSettings = "settings" // defaults, locks and the user's own
	NoteDevices  = "devices"  // the user's devices and the watched ones
)

// Request methods, tray to server. Those of CSTA bear its names.
const (
	MethodSnapshot        = "snapshot"        // ask for a snapshot notification
	MethodMakeCall        = "MakeCall"        // MakeCallParams -> MakeCallResult
	MethodClearConnection = "ClearConnection" // CallParams -> {}
	MethodAnswerCall      = "AnswerCall"      // CallParams -> {}
	MethodHoldCall        = "HoldCall"        // CallParams -> {}
	MethodRetrieveCall    = "RetrieveCall"    // CallParams -> {}
	MethodCheckNumber     = "number.check"    // CheckParams -> CheckResult
	MethodPopClaim        = "pop.claim"       // PopParams -> PopClaimResult
	MethodPopReport       = "pop.report"      // PopReportParams -> {}
	MethodPopOpen         = "pop.open"        // PopOpenParams -> PopOpenResult: the user asks to open the customer
	MethodEntries         = "entries"         // EntriesParams -> EntriesResult: older entries of the call list
	MethodSeen            = "entries.seen"    // SeenParams -> {}
	MethodSettings        = "settings.set"    // SettingsParams -> {}
	MethodActive          = "session.active"  // {} -> {}: the user did something at this tray; pops go there first
	MethodSignOut         = "session.signOut" // {} -> {}: revokes this device's token, then closes with CloseRevoked
)
