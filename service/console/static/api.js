// Requests to the broker and their problems. Knows no element of the page.

const KEPT = "broker.key";

export const key = {
  get: () => sessionStorage.getItem(KEPT),
  set: (value) => sessionStorage.setItem(KEPT, value),
  forget: () => sessionStorage.removeItem(KEPT),
};

/** What the broker refused (RFC 9457), or that it could not be reached (status 0). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || "no detail");
    this.status = status;
    this.code = body.code || "unexpected_answer";
    this.body = body;
  }
}

/** A new Idempotency-Key. randomUUID would need a secure context, which another machine's http:// is not. */
export const onceKey = () =>
  "console-" + [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

/** One request. Gives the JSON; throws Problem, or AbortError when `signal` aborts. */
export async function call(method, path, { body, query, once, signal } = {}) {
  const search = new URLSearchParams(Object.entries(query || {}).filter(([, value]) => value !== ""));
  const headers = { Authorization: `Bearer ${key.get()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (once) headers["Idempotency-Key"] = once;
  let answer, text;
  try {
    answer = await fetch(`v1/${path}${search.size ? "?" + search : ""}`, {
      method, headers, signal, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
    });
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "unreachable", detail: "The broker does not answer." });
  }
  const value = parsed(text);
  if (!answer.ok || value === undefined) throw new Problem(answer.status, value || { detail: answer.statusText });
  return value;
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return undefined;
  }
}
