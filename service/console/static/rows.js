// Rows as elements. Whatever came from outside is put in as text, never as markup.

/** An element; children are elements or texts, empty ones are left out. */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "data") Object.assign(made.dataset, value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const STATUS = {
  sending: ["…", "sending"],
  unsent: ["!", "not sent"],
  accepted: ["✓", "accepted"],
  written: ["✓", "written"],
  confirmed: ["✓✓", "confirmed"],
  failed: ["✕", "failed"],
  unknown: ["?", "not proven yet"],
};

/** The element of one row. `act.reply(item, message)` answers a quick reply, `act.retry(row)` sends again. */
export function elementOf(row, act) {
  if (row.kind === "seam") return make("li", { className: "seam" }, make("span", {}, `Guest session ${row.incarnation}`));
  return row.kind === "banner" ? banner(row) : bubble(row, act);
}

function banner({ type, title, tone, text, marks, at }) {
  const line = make("p", {}, make("strong", {}, title), text ? ` ${text}` : "", " ", clock(at));
  const list = marks.length ? make("ul", { className: "marks" }, ...marks.map(mark)) : null;
  return make("li", { className: `banner ${tone}`, data: { type } }, line, list);
}

const mark = ({ text, tone }) => make("li", { className: `mark ${tone || ""}` }, text);

function bubble(row, act) {
  const { message } = row;
  const { author, status, failure } = message;
  const guest = author.kind === "guest";
  const marks = [];
  if (message.recovered) marks.push({ text: "recovered" });
  if (message.late) marks.push({ text: "late", tone: "warn" });
  if (row.earlier) marks.push({ text: `guest session ${message.incarnation}` });
  const body = make("div", { className: "bubble" },
    message.text ? make("p", { className: "said", dir: "auto" }, message.text) : null,
    ...(message.content || []).map((item) => contentOf(item, message, act)));
  const foot = make("p", { className: "foot" },
    make("span", { className: "who" }, author.name || author.kind, author.name ? ` (${author.kind})` : ""),
    clock(message.occurredAt), ...marks.map((each) => make("span", { className: `mark ${each.tone || ""}` }, each.text)),
    guest ? statusOf(status) : null);
  const retry = status === "unsent" ? make("button", { type: "button", onclick: () => act.retry(row) }, "Send again") : null;
  const why = failure ? make("p", { className: "why" }, make("code", {}, failure.code), ` ${failure.detail}`) : null;
  return make("li", { className: `message ${author.kind} ${status}`, data: { status } }, body, foot, why, retry);
}

function statusOf(status) {
  const [sign, word] = STATUS[status] || ["", status];
  return make("span", { className: "status" }, make("span", { "aria-hidden": "true" }, sign), ` ${word}`);
}

function contentOf(item, message, act) {
  const kind = item.contentType || "content";
  const inner = item[kind.charAt(0).toLowerCase() + kind.slice(1)] || {};
  if (kind === "QuickReply")
    return make("button", { type: "button", className: "reply", onclick: () => act.reply(inner, message) }, inner.text || "…");
  if (kind === "Attachment") return attachment(inner);
  return make("details", { className: "content" }, make("summary", {}, kind), make("pre", {}, JSON.stringify(item, null, 2)));
}

function attachment({ url, filename, mime }) {
  const label = `📎 ${filename || mime || "attachment"}`;
  const safe = /^https?:\/\//i.test(url || "");
  return safe ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label) : make("p", {}, label);
}

/** A time of today as hours and minutes, an older one with its day; the whole in the tooltip. */
export function clock(at) {
  const time = new Date(at);
  const today = time.toDateString() === new Date().toDateString();
  const shown = today
    ? time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : time.toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  return make("time", { dateTime: at, title: time.toLocaleString() }, shown);
}
