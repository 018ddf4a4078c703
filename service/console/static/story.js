// What a log tells, as rows to show. Pure: events in, plain values out; touches no page and asks nobody.

const CAUSES = {
  link_lost: "the connection was lost",
  session_not_found: "Genesys no longer knew the guest session",
  session_expired: "the guest session had expired",
  new_session: "Genesys had begun a new guest session",
  client_id_dead: "the guest's token was no longer accepted",
  read_only: "the contact centre had closed the chat",
  cleared: "the guest's history was cleared",
  evicted: "another connection had taken the place",
  requested: "it was asked for",
};

const TITLES = {
  "session.opened": "Session opened",
  "session.recovered": "Session recovered",
  "session.replaced": "Guest session replaced",
  "session.readOnly": "The contact centre closed the chat",
  "session.expiring": "The guest session expires soon",
  "session.ended": "Session ended",
  "session.failed": "Session failed",
  "conversation.identified": "Conversation identified",
  "conversation.disconnected": "Conversation ended",
  "attachment.uploaded": "Attachment uploaded",
  "attachment.failed": "Attachment failed",
};

const TONES = {
  "session.recovered": "good",
  "session.replaced": "warn",
  "session.readOnly": "warn",
  "session.expiring": "warn",
  "session.failed": "bad",
  "attachment.failed": "bad",
};

/**
 * Rows in the order of the log: messages as they stand now, banners, and a seam wherever a new guest session begins.
 * `answers` are messages by sequence, as sending was answered: they know more than `accepted` before the log does.
 */
export function rowsOf(events, answers) {
  const rows = [];
  const places = new Map();
  let incarnation = 0;
  for (const { type, timestamp, data } of events) {
    if (type === "message.confirmed" || type === "message.failed") {
      const row = places.get(data.message.sequence);
      if (row) row.message = data.message;
      continue;
    }
    if (data.incarnation > incarnation) {
      if (incarnation) rows.push({ key: `seam${data.incarnation}`, kind: "seam", incarnation: data.incarnation });
      incarnation = data.incarnation;
    }
    if (data.message) {
      const row = { key: `m${data.sequence}`, kind: "message", message: data.message, earlier: data.message.incarnation < incarnation };
      places.set(data.sequence, row);
      rows.push(row);
    } else {
      rows.push({ key: `e${data.sequence}`, kind: "banner", at: timestamp, ...bannerOf(type, data) });
    }
  }
  for (const row of places.values()) row.message = settled(row.message, answers.get(row.message.sequence));
  return rows;
}

const settled = (told, answered) => (told.status === "accepted" && answered ? answered : told);

function bannerOf(type, data) {
  const banner = { type, title: TITLES[type] || type, tone: TONES[type] || "plain", text: "", marks: [] };
  if (data.receipt) return { ...banner, ...receiptOf(data.receipt) };
  const { session } = data;
  if (type === "conversation.identified") banner.text = data.conversationId;
  if (type === "conversation.disconnected") banner.text = `by ${data.endedBy}`;
  if (type === "session.ended") banner.text = session?.endedBy ? `by ${session.endedBy}` : "";
  if (type === "session.failed" && session?.failure) banner.text = `${session.failure.code}: ${session.failure.detail}`;
  if (type === "session.expiring" && session?.expiresAt) banner.text = `at ${new Date(session.expiresAt).toLocaleString()}`;
  return banner;
}

function receiptOf({ cause, code, outageSeconds, caughtUp, sends, historyComplete, previous, current }) {
  const why = CAUSES[cause] || cause;
  const marks = [];
  if (caughtUp) marks.push({ text: `${count(caughtUp, "message")} caught up` });
  if (sends.proven) marks.push({ text: `${count(sends.proven, "message")} proven delivered` });
  if (sends.resent) marks.push({ text: `${count(sends.resent, "message")} sent again` });
  if (sends.unproven) marks.push({ text: `${count(sends.unproven, "message")} could not be proven`, tone: "warn" });
  marks.push(historyComplete ? { text: "history complete" } : { text: "history not complete", tone: "warn" });
  if (current.incarnation !== previous.incarnation)
    marks.unshift({ text: `guest session ${previous.incarnation} → ${current.incarnation}` });
  return {
    text: `Away for ${outageSeconds < 0.1 ? "a moment" : duration(outageSeconds)}: ${why}${code && code !== cause ? ` (${code})` : ""}.`,
    marks,
  };
}

const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

/** Seconds for people: `0.3 s`, `4 min`, `2 h`, `3 d`. */
export function duration(seconds) {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}
