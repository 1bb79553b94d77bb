package csta

// Event is the kind of a call control event (ECMA-269, clause 17.2).
type Event string

// The events Deskbell tells. Names end in "Event" so that they do not clash with states.
const (
	ServiceInitiatedEvent     Event = "ServiceInitiatedEvent"     // own phone rings or is off hook to start a call
	OriginatedEvent           Event = "OriginatedEvent"           // own end is connected, the far end is being called
	DeliveredEvent            Event = "DeliveredEvent"            // a device rings; an incoming call only if it is ours
	EstablishedEvent          Event = "EstablishedEvent"          // answered
	HeldEvent                 Event = "HeldEvent"                 // put on hold
	RetrievedEvent            Event = "RetrievedEvent"            // taken back from hold
	DivertedEvent             Event = "DivertedEvent"             // sent elsewhere before an answer, or answered elsewhere
	TransferredEvent          Event = "TransferredEvent"          // the other party changed by a transfer
	ConferencedEvent          Event = "ConferencedEvent"          // more than two parties now
	QueuedEvent               Event = "QueuedEvent"               // waits in a queue
	FailedEvent               Event = "FailedEvent"               // cannot be completed
	ConnectionClearedEvent    Event = "ConnectionClearedEvent"    // this connection has ended
	CallInformationEvent      Event = "CallInformationEvent"      // facts changed, states did not
	CallLinkageEvent          Event = "CallLinkageEvent"          // two calls turned out to be one, or one to be two
	BackInServiceEvent        Event = "BackInServiceEvent"        // device or system can be watched again
	OutOfServiceEvent         Event = "OutOfServiceEvent"         // device or system cannot be watched
	MonitorStopEvent          Event = "MonitorStopEvent"          // no more events of this device will come
	ServicesPermittedEvent    Event = "ServicesPermittedEvent"    // what may be done now has changed
	DeviceCapabilitiesChanged Event = "DeviceCapabilitiesChanged" // what can be done at all has changed
	AgentStateEvent           Event = "AgentStateEvent"           // agent ready, not ready, logged off …
	DoNotDisturbEvent         Event = "DoNotDisturbEvent"         // do not disturb set or cleared
	ForwardingEvent           Event = "ForwardingEvent"           // forwarding changed
)

// Cause says why something happened (ECMA-269, clause 12.2.15 "EventCause"; spelled as in ECMA-323).
type Cause string

// The causes Deskbell uses. CauseUnknown, the zero value, means that the telephone system gave none.
const (
	CauseUnknown            Cause = ""
	CauseNormalClearing     Cause = "normalClearing"
	CauseBusy               Cause = "busy"
	CauseDoNotDisturb       Cause = "doNotDisturb"
	CauseCallCancelled      Cause = "callCancelled"     // the caller, or whoever started it, gave up
	CauseCallNotAnswered    Cause = "callNotAnswered"   // rang out
	CauseCallRejected       Cause = "callRejected"      // declined at the called device
	CauseAnsweredElsewhere  Cause = "answeredElsewhere" // another device or agent took it
	CauseDestNotObtainable  Cause = "destNotObtainable" // no such number, or cannot be reached
	CauseInvalidDestination Cause = "invalidDestination"
	CauseNetworkCongestion  Cause = "networkCongestion"
	CauseResourcesNotAvail  Cause = "resourcesNotAvailable"
	CauseTransfer           Cause = "transfer"
	CauseSingleStepTransfer Cause = "singleStepTransfer"
	CauseConference         Cause = "conference"
	CauseConsultation       Cause = "consultation"
	CauseAlternate          Cause = "alternate"
	CauseDistributed        Cause = "distributed"
	CauseCallForward        Cause = "callForward"
	CauseMakeCall           Cause = "makeCall" // asked for by Deskbell
	CauseNewCall            Cause = "newCall"
	CauseRecall             Cause = "recall"
	CauseParked             Cause = "park"
	CauseCallPickup         Cause = "callPickup"

	// CauseNoDetails is ours: the end was inferred (a snapshot, an expiry), nobody told it. On screen: "ended (no details
	// received)". It never stands in for a cause that a system did give.
	CauseNoDetails Cause = "noDetailsReceived"
	// CauseTimeout is ours: an attempt led to no call within its limit.
	CauseTimeout Cause = "timeout"
)
