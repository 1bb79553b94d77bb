package wire

// Close codes of the WebSocket. 4000–4099: come back (with the usual back-off, unless said otherwise); 4100–4199: stay away
// until something changes (a new sign-in, another version). Standard codes mean what RFC 6455 says: 1001 going away and 1011
// internal error are "come back".
const (
	CloseTooSlow      = 4000 // the session read too slowly; come back at once, a snapshot follows
	CloseHeartbeat    = 4001 // nothing was heard of the tray for too long
	CloseRestart      = 4002 // the server stops or restarts
	CloseNewRights    = 4003 // rights changed in a way that needs a new start; come back at once
	CloseRevoked      = 4100 // the token was revoked, or its user removed
	CloseProtocol     = 4101 // not JSON-RPC 2.0, or a binary frame
	CloseNoHello      = 4102 // hello did not come first, or not within 5 s
	CloseFlood        = 4103 // too many messages
	CloseTooBig       = 4104 // a message above MaxFromTray
	CloseVersion      = 4105 // the tray is too old for this server
	CloseTooManyPeers = 4106 // too many sessions of one user
)

// ComeBack reports whether a tray should dial again by itself after being closed with code.
func ComeBack(code int) bool { return code < 4100 || code > 4199 }
