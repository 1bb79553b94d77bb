"use strict";
// The page shows what /control/state says and sends what people press. Names and numbers of callers are hostile: they
// go into the document as text only.
const texts = JSON.parse(document.body.dataset.texts);
const $ = (id) => document.getElementById(id);
const say = (id, values = {}) => (texts[id] || id).replace(/\{(\w+)\}/g, (_, k) => values[k] ?? "");

function el(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

async function post(path, body) {
  $("problem").hidden = true;
  let reason;
  try {
    const res = await fetch("/control/" + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (res.ok) return;
    reason = (await res.json()).error;
  } catch {
    reason = say("away");
  }
  $("problem").textContent = say("failed", { reason });
  $("problem").hidden = false;
}

const callee = () => $("callee").value;
const call = (caller, name = "") => post("call", { caller, name, callee: callee(), withheld: caller === "" });

// colleague is who calls next from inside: the first other phone that is free.
const colleague = () => phones.find((p) => p.extension !== callee() && p.line === "idle");

async function ring(button) {
  const { pick, number, name } = button.dataset;
  if (pick === "internal") {
    if (colleague()) await call(colleague().extension);
  } else if (pick === "several") {
    for (const other of document.querySelectorAll(".pick.vip, .pick.known, .pick.unknown")) {
      await call(other.dataset.number, other.dataset.name);
      await new Promise((r) => setTimeout(r, 500));
    }
  } else {
    await call(number.replace(/[^+\d]/g, "").replace(/^0/, "+49"), name);
  }
}

document.querySelectorAll(".pick").forEach((b) => b.addEventListener("click", () => ring(b)));
$("own").addEventListener("submit", (e) => {
  e.preventDefault();
  call($("number").value, $("name").value);
});

// --- phones ---
let phones = [];

function action(className, text, path, body) {
  const b = el("button", className, text);
  b.type = "button";
  b.addEventListener("click", () => post(path, body));
  return b;
}

function callRow(p, c) {
  const row = el("div", "call " + c.state);
  const other = c.caller === p.extension ? c.callee : c.caller;
  const what = el("div", "what");
  what.append(el("b", "", other === "withheld" ? say("withheld") : other));
  if (c.caller_name && other === c.caller) what.append(" ", el("bdi", "", c.caller_name));
  what.append(" ", el("span", "quiet", say("state_" + c.state)));
  row.append(what);
  const timer = el("span", "timer");
  timer.dataset.since = c.state === "talking" ? c.talked_from : c.began;
  row.append(timer);
  const outside = (n) => !phones.some((q) => q.extension === n);
  if (c.state === "ringing") {
    row.append(action("answer", say("answer"), "answer", { extension: p.extension }));
    row.append(action("hangup", say("reject"), "hangup", { extension: p.extension }));
  } else if (c.state === "calling" && outside(other)) {
    row.append(action("answer", say("other_answers"), "answer", { uuid: c.uuid }));
  }
  if (c.state !== "setup" && outside(other)) {
    const side = other === c.caller ? "caller" : "callee";
    row.append(action("", say("other_hangs_up"), "hangup", { uuid: c.uuid, side }));
  }
  if (c.state === "talking" || c.state === "calling") row.append(action("hangup", say("hangup"), "hangup", { extension: p.extension }));
  return row;
}

function showPhones() {
  const select = $("callee");
  const wanted = select.value;
  if (select.options.length !== phones.length) {
    select.replaceChildren(...phones.map((p) => new Option(p.extension + "  " + p.name, p.extension)));
    if (wanted) select.value = wanted;
  }
  $("phones").replaceChildren(...phones.map((p) => {
    const li = el("li", "phone");
    li.append(el("span", "number", p.extension), el("bdi", "who", p.name));
    if (p.presence && p.presence !== "available") li.append(el("span", "quiet", say("status_" + p.presence)));
    li.append(el("span", "chip " + p.line, say("line_" + p.line.replace("-", "_"))));
    p.calls.forEach((c) => li.append(callRow(p, c)));
    return li;
  }));
  showColleague();
  tick();
}

function showColleague() {
  const c = colleague();
  $("colleague").textContent = c ? c.extension + " " + c.name : "\u00a0";
}
$("callee").addEventListener("change", showColleague);

function tick() {
  for (const t of document.querySelectorAll(".timer")) {
    const s = Math.max(0, Math.floor((Date.now() - Date.parse(t.dataset.since)) / 1000));
    t.textContent = Math.floor(s / 60) + ":" + String(s % 60).padStart(2, "0");
  }
}
setInterval(tick, 1000);

// --- what happened ---
const party = (p) => {
  if (p === "withheld") return say("withheld");
  const phone = phones.find((q) => q.extension === p);
  return phone ? p + " " + phone.name : p;
};

function sentence(e) {
  const pair = { caller: party(e.caller), callee: party(e.callee) };
  if (e.source === "crm") {
    const id = { lookup: "log_lookup", search: "log_lookup", tickets: "log_tickets", page: e.contact ? "log_page" : "" }[e.endpoint];
    const page = e.endpoint === "page";
    return id ? [say(id, { status: say(e.status === 200 ? "crm_ok" : "crm_bad"), contact: e.contact }), e.status >= 400 || !e.status ? "bad" : page ? "pop" : ""] : null;
  }
  switch (e.kind) {
    case "call": return e.call_kind === "api" ? null : [say("log_call", pair), "call-in"];
    case "api-call": return [say("log_api", pair), "call-in"];
    case "ended": return [say("log_ended", { ...pair, cause: e.cause ? " (" + say("cause_" + e.cause) + ")" : "" }), e.cause ? "bad" : ""];
    case "event": return [say("log_answered", { extension: party(e.extension) }), "good"];
    case "stream": return e.action === "open" ? [say("log_connected"), "good"] : [say("log_disconnected"), "bad"];
    case "request":
      if (e.endpoint === "cancel") return [say("log_cancel", { status: say(e.status === 204 ? "cancel_ok" : "cancel_bad") }), e.status === 204 ? "" : "bad"];
      return e.status === 200 ? [say("log_login"), ""] : [say("log_refused"), "bad"];
    case "said": return [e.text, "quiet"];
  }
  return null;
}

function showNews(news) {
  for (const e of news) {
    const s = sentence(e);
    if (!s) continue;
    const li = el("li");
    li.append(el("time", "", new Date(e.time).toLocaleTimeString(document.documentElement.lang, { hour12: false })), el("span", s[1], s[0]));
    $("log").prepend(li);
  }
  while ($("log").children.length > 200) $("log").lastChild.remove();
  $("empty").hidden = $("log").children.length > 0;
}

function showListening(on, text) {
  $("listening").className = "chip " + (on ? "on" : "off");
  $("listening").textContent = text;
}

async function follow() {
  let after = "";
  for (;;) {
    try {
      const state = await (await fetch("/control/state?after=" + after)).json();
      if (state.seq < after) $("log").replaceChildren(); // the lab was started again
      after = state.seq;
      phones = state.phones;
      showListening(state.listening > 0, say(state.listening > 0 ? "listening_one" : "listening_none"));
      showNews(state.news);
      showPhones();
    } catch {
      showListening(false, say("away"));
      await new Promise((r) => setTimeout(r, 2000));
    }
  }
}
follow();
