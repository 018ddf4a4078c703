// The console: which view is shown, what its buttons do, and the long poll that feeds the open session.

import { call, key, onceKey, Problem } from "./api.js";
import { clock, elementOf, make } from "./rows.js";
import { duration, rowsOf } from "./story.js";

const POLL_SECONDS = 20;
const PAGE = 200;
const TYPING_EVERY_MS = 5000;
const RETRY_MS = [1000, 2000, 5000, 10000];
const $ = (id) => document.getElementById(id);
const path = (id) => `sessions/${encodeURIComponent(id)}`;

let open = null; // the session that is shown: see `opened`
let listing = { cursor: null, items: [] };
let atEnd = true; // whether the end of the transcript is in sight: then it is kept in sight

// ------------------------------------------------------------------------------------------ problems

/** Tell a problem. A key that is not known is forgotten. */
function tell(error, sessionId) {
  if (error.name === "AbortError") return;
  if (!(error instanceof Problem)) throw error;
  if (error.status === 401) leave();
  const faults = (error.body.errors || []).map(({ pointer, detail }) => make("li", {}, make("code", {}, pointer), ` ${detail}`));
  const other = error.body.sessionId && error.body.sessionId !== sessionId
    ? make("a", { href: `#/s/${error.body.sessionId}` }, "Open that session") : null;
  const alert = make("div", { className: "alert" },
    make("p", {}, error.status ? `${error.status} ` : "", make("code", {}, error.code), ` ${error.message} `, other),
    faults.length ? make("ul", {}, ...faults) : null,
    make("button", { type: "button", "aria-label": "Dismiss", onclick: () => alert.remove() }, "×"));
  $("alerts").replaceChildren(...[...$("alerts").children].slice(-2), alert);
}

const clearAlerts = () => $("alerts").replaceChildren();

// ---------------------------------------------------------------------------------------------- gate

async function enter(event) {
  event.preventDefault();
  clearAlerts();
  key.set($("key").value.trim());
  try {
    await call("GET", "sessions", { query: { limit: 1 } });
    $("key").value = "";
    show();
  } catch (error) {
    if (error.status !== 401) key.forget();
    tell(error);
  }
}

function leave() {
  key.forget();
  close();
  $("sessions").replaceChildren();
  show();
}

// -------------------------------------------------------------------------------------------- routes

/** Show what the address says: #/, #/new, #/s/<id> or #/s/<id>/events. */
function show() {
  const known = key.get() !== null;
  const [, view, id, tab] = location.hash.split("/");
  const shown = !known ? "gate" : view === "new" ? "new" : view === "s" && id ? "session" : "welcome";
  document.body.dataset.view = shown;
  if (shown !== "session") document.title = "Guest Session Broker";
  $("gate").hidden = known;
  $("desk").hidden = !known;
  $("forget").hidden = !known;
  for (const name of ["welcome", "new", "session"]) $(name).hidden = name !== shown;
  if (shown === "gate") return $("key").focus();
  if (shown !== "session") close();
  else if (open?.id !== id) begin(id);
  if (shown === "session") choose(tab === "events" ? "events" : "chat");
  if (shown === "new") prepare();
  list();
}

function choose(tab) {
  for (const name of ["chat", "events"]) {
    $(name).hidden = name !== tab;
    $(`tab-${name}`).setAttribute("aria-selected", name === tab);
    $(`tab-${name}`).tabIndex = name === tab ? 0 : -1;
  }
  if (tab === "chat") toEnd();
}

// -------------------------------------------------------------------------------------------- list

async function list({ more = false } = {}) {
  try {
    const query = { state: $("state").value, cursor: more ? listing.cursor : "", limit: 30 };
    const page = await call("GET", "sessions", { query });
    listing = { cursor: page.nextCursor, items: more ? [...listing.items, ...page.items] : page.items };
    drawList();
  } catch (error) {
    tell(error);
  }
}

function drawList() {
  const focused = document.activeElement.closest("#sessions a")?.hash;
  $("sessions").replaceChildren(...listing.items.map((session) => {
    const here = session.id === open?.id;
    const about = make("span", { className: "about" }, session.deployment, " · ", ago(session.updatedAt));
    const link = make("a", { href: `#/s/${session.id}` }, make("span", { className: "name" }, nameOf(session)), pill(session.state), about);
    if (here) link.setAttribute("aria-current", "page");
    return make("li", {}, link);
  }));
  // The links are new: whoever walks them by keyboard stays where they were.
  if (focused) [...$("sessions").querySelectorAll("a")].find(({ hash }) => hash === focused)?.focus();
  $("none").hidden = listing.items.length > 0;
  $("more").hidden = listing.cursor === null;
}

const nameOf = (session) => session.externalId || `…${session.id.slice(-8)}`;
const pill = (state) => make("span", { className: `pill ${state}` }, state);
const ago = (at) => {
  const seconds = (Date.now() - Date.parse(at)) / 1000;
  return make("time", { dateTime: at, title: new Date(at).toLocaleString() }, seconds < 10 ? "just now" : `${duration(seconds)} ago`);
};

// ------------------------------------------------------------------------------------------ new one

async function prepare() {
  $("deployment").focus();
  try {
    const { items } = await call("GET", "deployments", { query: { limit: 200 } });
    $("deployments").replaceChildren(...items.map(({ name }) => make("option", { value: name })));
    $("deployment").value ||= items[0]?.name || "";
  } catch (error) {
    // A key may open sessions without being allowed to list deployments: then the name is typed.
    if (error.status !== 403) tell(error);
  }
}

async function start(event) {
  event.preventDefault();
  clearAlerts();
  const body = { deployment: $("deployment").value };
  if ($("external").value) body.externalId = $("external").value;
  if ($("first").value.trim()) body.message = { text: $("first").value };
  await busy($("start"), async () => {
    const made = await call("POST", "sessions", { body, once: onceKey(), query: { wait: 10 } });
    for (const id of ["external", "first"]) $(id).value = "";
    location.hash = `#/s/${made.id}`;
  });
}

/** Run one action of a button, which is off until it is over. */
async function busy(button, act) {
  button.disabled = true;
  try {
    await act();
  } catch (error) {
    tell(error, open?.id);
  } finally {
    button.disabled = false;
  }
}

// ------------------------------------------------------------------------------------- one session

function begin(id) {
  close();
  open = { id, session: null, events: [], answers: new Map(), ghosts: [], drawn: new Map(), typed: 0, stop: new AbortController() };
  for (const each of ["rows", "log", "fields"]) $(each).replaceChildren();
  for (const each of ["name", "summary", "count", "note", "pill"]) $(each).textContent = "";
  $("text").value = "";
  grow();
  usable(true);
  // A phone would cover half of the chat with its keyboard.
  if (matchMedia("(min-width: 46rem)").matches) $("text").focus();
  read(open);
  follow(open);
}

function close() {
  open?.stop.abort();
  open = null;
}

async function read(mine) {
  try {
    const session = await call("GET", path(mine.id), { signal: mine.stop.signal });
    if (mine === open) drawHead(session);
  } catch (error) {
    tell(error, mine.id);
  }
}

/** The long poll: the log from its beginning, then whatever comes, until the session is left. */
async function follow(mine) {
  let after = 0;
  let failed = 0;
  while (mine === open) {
    try {
      const query = { after, wait: POLL_SECONDS, limit: PAGE };
      const page = await call("GET", `${path(mine.id)}/events`, { query, signal: mine.stop.signal });
      if (mine !== open) return;
      if (failed) {
        note("");
        clearAlerts(); // they told that the broker was away
      }
      failed = 0;
      after = page.nextAfter;
      if (page.items.length) take(mine, page);
    } catch (error) {
      if (mine !== open || error.name === "AbortError") return;
      if (error.status && error.status < 500 && error.status !== 429) return tell(error, mine.id);
      const pause = RETRY_MS[Math.min(failed++, RETRY_MS.length - 1)];
      note(`${error.message} Trying again in ${pause / 1000} s.`);
      await new Promise((done) => setTimeout(done, pause));
    }
  }
}

function take(mine, page) {
  const first = mine.events.length === 0;
  mine.events.push(...page.items);
  for (const { type, data } of page.items) if (type === "message.accepted") dropGhost(mine, data.message);
  drawRows({ end: first });
  drawLog(page.items);
  if (!page.hasMore && page.items.some(({ type }) => !type.startsWith("message."))) {
    read(mine);
    list();
  }
}

function drawHead(session) {
  open.session = session;
  document.title = `${nameOf(session)} – Guest Session Broker`;
  $("name").textContent = nameOf(session);
  $("pill").textContent = session.state;
  $("pill").className = `pill ${session.state}`;
  $("summary").textContent = `${session.deployment} · guest session ${session.incarnation}`;
  const facts = {
    "id": session.id, "external id": session.externalId, "client id": session.clientId,
    "conversation": session.conversationId, "participant": session.participantId,
    "expires": session.expiresAt && new Date(session.expiresAt).toLocaleString(),
    "ended by": session.endedBy, "failure": session.failure && `${session.failure.code}: ${session.failure.detail}`,
    "started": new Date(session.createdAt).toLocaleString(),
  };
  const told = Object.entries(facts).filter(([, value]) => value);
  $("fields").replaceChildren(...told.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  const over = session.state === "ended" || session.state === "failed";
  $("resume").disabled = session.state === "ended";
  usable(!over);
  $("text").placeholder = over ? `The session has ${session.state === "failed" ? "failed" : "ended"}` : "Message as the guest";
}

function usable(yes) {
  for (const each of [$("end"), $("clear"), ...$("composer").elements]) each.disabled = !yes;
}

function drawRows({ end = false } = {}) {
  const rows = [...rowsOf(open.events, open.answers), ...open.ghosts];
  const kept = new Map();
  let place = null;
  let more = false;
  for (const row of rows) {
    // Drawn again only where it changed, so that nothing is read out twice or loses the focus.
    const face = JSON.stringify(row);
    const before = open.drawn.get(row.key);
    const element = before?.face === face ? before.element : elementOf(row, { reply, retry: send });
    if (before && before.element !== element) before.element.replaceWith(element);
    else if (!before) place ? place.after(element) : $("rows").prepend(element);
    more ||= !before;
    kept.set(row.key, { face, element });
    place = element;
  }
  for (const [each, { element }] of open.drawn) if (!kept.has(each)) element.remove();
  open.drawn = kept;
  if (atEnd || end) toEnd();
  else if (more) $("down").hidden = false;
}

function toEnd() {
  $("scroll").scrollTop = $("scroll").scrollHeight;
  atEnd = true;
  $("down").hidden = true;
}

function drawLog(events) {
  $("log").append(...events.map((event) =>
    make("li", {}, make("details", {},
      make("summary", {}, make("b", {}, String(event.data.sequence)), make("code", {}, event.type), clock(event.timestamp)),
      make("pre", { tabIndex: 0 }, JSON.stringify(event, null, 2))))));
  $("count").textContent = String(open.events.length);
}

const note = (text) => { $("note").textContent = text; };

// ------------------------------------------------------------------------------------------ sending

function compose(event) {
  event.preventDefault();
  const text = $("text").value;
  if (!text.trim() || !open) return;
  $("text").value = "";
  grow();
  send(ghostOf({ text }, text));
}

const reply = ({ text, payload }, message) =>
  send(ghostOf({ buttonResponse: { type: "QuickReply", text, payload: payload ?? text, originatingMessageId: message.id } }, text));

/** A message that the log does not have yet. */
function ghostOf(body, text) {
  const once = onceKey();
  const message = { text, content: [], status: "sending", author: { kind: "guest" }, occurredAt: new Date().toISOString() };
  return { key: once, kind: "message", body, message };
}

/** Send a ghost, again with the same Idempotency-Key: it can never become two messages. */
async function send(ghost) {
  const mine = open;
  ghost.message = { ...ghost.message, status: "sending" };
  if (!mine.ghosts.includes(ghost)) mine.ghosts.push(ghost);
  drawRows({ end: true });
  try {
    const message = await call("POST", `${path(mine.id)}/messages`, { body: ghost.body, once: ghost.key, query: { wait: 5 } });
    mine.answers.set(message.sequence, message);
    // The answer may be here before the log's own event: the ghost stands in for it until then.
    ghost.message = message;
    if (mine.events.some(({ data }) => data.message?.id === message.id)) drop(mine, ghost);
  } catch (error) {
    if (mine === open) tell(error, mine.id);
    if (mayPass(error)) ghost.message = { ...ghost.message, status: "unsent" };
    else refused(mine, ghost, error);
  }
  if (mine === open) drawRows();
}

/** Whether the same request may be taken another time. */
const mayPass = ({ status, code, body }) =>
  status === 0 || status === 429 || code === "idempotency_in_progress" || (status >= 500 && !body.messageId);

/** It will never be taken as it is. What the log does not have goes back to where it was written. */
function refused(mine, ghost, error) {
  drop(mine, ghost);
  if (error.body.messageId || mine !== open || $("text").value || !ghost.body.text) return;
  $("text").value = ghost.body.text;
  grow();
}

const drop = (mine, ghost) => { mine.ghosts = mine.ghosts.filter((each) => each !== ghost); };

/** The log has a message that was on its way: known by its id, or by its text while there is no answer yet. */
function dropGhost(mine, { id, text }) {
  const stands = ({ message }) => (message.id ? message.id === id : message.text === text && message.status === "sending");
  const ghost = mine.ghosts.find(stands);
  if (ghost) drop(mine, ghost);
}

async function typing() {
  grow();
  const mine = open;
  if (!mine || !$("text").value || Date.now() - mine.typed < TYPING_EVERY_MS) return;
  mine.typed = Date.now();
  try {
    const { sent } = await call("POST", `${path(mine.id)}/typing`, { body: {} });
    if (mine === open && sent) {
      note("The agent sees that the guest is typing.");
      setTimeout(() => mine === open && note(""), TYPING_EVERY_MS);
    }
  } catch (error) {
    // The long poll tells by itself when the broker is away.
    if (mine === open && error.status) note(`Typing was not shown: ${error.code}`);
  }
}

function grow() {
  $("text").style.height = "auto";
  $("text").style.height = `${Math.min($("text").scrollHeight + 2, 160)}px`;
}

// -------------------------------------------------------------------------------------------- verbs

/** Ask in a dialog; gives the value of the button, or "" for none. */
function ask(title, text, choices) {
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  const buttons = [["", "Cancel", "plain"], ...choices];
  $("ask-buttons").replaceChildren(...buttons.map(([value, label, look]) => make("button", { value, className: look }, label)));
  $("ask").returnValue = "";
  $("ask").showModal();
  return new Promise((done) => $("ask").addEventListener("close", () => done($("ask").returnValue), { once: true }));
}

const verb = (name, body) => busy($(name), async () => {
  const mine = open;
  const session = await call("POST", `${path(mine.id)}/${name}`, { body, once: onceKey(), query: { wait: 10 } });
  if (mine !== open) return;
  if (session.ended) note(`Ended by ${session.ended.mode || "the broker"}, ${session.ended.verified ? "verified" : "not verified"}.`);
  read(mine);
});

async function end() {
  const mode = await ask("End the session?", "Leaving lets go of the chat. Clearing also erases the guest's history at Genesys.",
    [["leave", "Leave", "plain"], ["clear", "Clear and end", "danger"], ["default", "End as allowed", "primary"]]);
  if (mode) await verb("end", mode === "default" ? {} : { mode });
}

async function clear() {
  const sure = await ask("Clear the history?", "The guest's history at Genesys is erased, and the chat goes on in a new guest session.",
    [["yes", "Clear", "danger"]]);
  if (sure) await verb("clear", {});
}

// --------------------------------------------------------------------------------------------- wires

function wire() {
  $("gate-form").addEventListener("submit", enter);
  $("new-form").addEventListener("submit", start);
  $("composer").addEventListener("submit", compose);
  $("forget").addEventListener("click", () => leave());
  $("refresh").addEventListener("click", () => list());
  $("more").addEventListener("click", () => list({ more: true }));
  $("state").addEventListener("change", () => list());
  $("down").addEventListener("click", toEnd);
  $("scroll").addEventListener("scroll", () => {
    atEnd = $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 80;
    if (atEnd) $("down").hidden = true;
  });
  new ResizeObserver(() => {
    if (atEnd) toEnd();
  }).observe($("scroll"));
  addEventListener("resize", grow);
  $("resume").addEventListener("click", () => verb("resume", {}));
  $("clear").addEventListener("click", clear);
  $("end").addEventListener("click", end);
  $("text").addEventListener("input", typing);
  $("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $("composer").requestSubmit();
  });
  for (const [tab, other] of [["chat", "events"], ["events", "chat"]]) {
    const to = (name) => { location.hash = `#/s/${open.id}${name === "events" ? "/events" : ""}`; };
    $(`tab-${tab}`).addEventListener("click", () => to(tab));
    $(`tab-${tab}`).addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      to(other);
      $(`tab-${other}`).focus();
    });
  }
  addEventListener("hashchange", show);
  addEventListener("focus", () => key.get() !== null && list());
  show();
}

wire();
