package server

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics collects when it is asked: nothing is counted twice, and the way of a call pays nothing. No label names a person,
// a number or a device.
type metrics struct{ srv *Server }

var (
	descSessions = desc("sessions", "Open sessions of trays.")
	descOpened   = desc("sessions_opened_total", "Sessions opened.")
	descClosed   = desc("sessions_closed_total", "Sessions closed.")
	descSlow     = desc("sessions_too_slow_total", "Sessions closed because they read too slowly.")
	descSent     = desc("messages_sent_total", "Messages sent to trays.")
	descReceived = desc("messages_received_total", "Messages and control frames received from trays.")
	descUpdates  = desc("updates_total", "Events told by the owners of telephone systems.")
	descRequests = desc("requests_total", "Requests made by trays.")
	descPops     = desc("customers_opened_total", "Pages granted to trays that claimed them.")
	descRefused  = desc("refused_total", "Wrong tokens and invitations.")
	descLink     = desc("system_up", "1 if news of the telephone system flows.", "system")
	descCalls    = desc("system_calls", "Running calls of the telephone system.", "system")
	descTroubles = desc("system_troubles", "Troubles of the telephone system.", "system")
	descSkipped  = desc("system_skipped_total", "Input of the telephone system that could not be understood.", "system", "reason")
	descContacts = desc("contact_troubles", "Contact sources that do not work.")
	descLog      = desc("log_ok", "1 if the event log commits.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("deskbell_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (m metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m metrics) Collect(ch chan<- prometheus.Metric) {
	s, st := m.srv, m.srv.shared.Stats()
	count := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	gauge(descSessions, s.sessions.count())
	count(descOpened, st.Opened.Load())
	count(descClosed, st.Closed.Load())
	count(descSlow, st.TooSlow.Load())
	count(descSent, st.Sent.Load())
	count(descReceived, st.Received.Load())
	count(descUpdates, s.stats.updates.Load())
	count(descRequests, s.stats.requests.Load())
	count(descPops, s.stats.pops.Load())
	count(descRefused, s.stats.refused.Load())
	gauge(descContacts, len(s.p.Contacts.Troubles()))
	gauge(descLog, oneIf(s.p.Log.Health() == nil))
	for _, sys := range s.order {
		h, label := sys.health(), string(sys.id)
		gauge(descLink, oneIf(h.Link), label)
		gauge(descCalls, h.Calls, label)
		gauge(descTroubles, len(h.Troubles), label)
		if r := sys.now.Load(); r != nil {
			for reason, n := range r.owner.Skipped() {
				count(descSkipped, int64(n), label, reason)
			}
		}
	}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Inspect serves /metrics and the whole of /healthz, for a listener that only administrators reach.
func (s *Server) Inspect() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		h := s.Health(true)
		status := http.StatusOK
		if h.Status == "down" {
			status = http.StatusServiceUnavailable
		}
		s.answer(w, status, h)
	})
	return secured(mux)
}
