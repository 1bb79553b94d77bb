package pbxtest

import "testing"

func TestStream(t *testing.T)    { Run(t, Stream) }
func TestPolling(t *testing.T)   { Run(t, Polling) }
func TestSessions(t *testing.T)  { Run(t, Sessions) }
func TestCallbacks(t *testing.T) { Run(t, Callbacks) }
func TestChannels(t *testing.T)  { Run(t, Channels) }
