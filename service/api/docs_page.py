"""The page at /docs: one self-contained HTML text that renders the OpenAPI document in the browser.

It loads nothing from anywhere else, and puts every text in as text.
"""

from typing import Final

PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guest Session Broker API</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  details { border: 1px solid #8886; border-radius: 6px; margin: .4rem 0; padding: .4rem .8rem; }
  summary { cursor: pointer; }
  .method { display: inline-block; width: 4.5rem; font: 600 .8rem ui-monospace, monospace; }
  code, pre { font: .85rem ui-monospace, monospace; }
  pre { overflow-x: auto; background: #8882; padding: .6rem; border-radius: 6px; }
  td, th { text-align: left; vertical-align: top; padding: .1rem .8rem .1rem 0; }
</style>
<h1 id="title">Loading…</h1>
<p id="about"></p>
<p>Send <code>Authorization: Bearer &lt;key&gt;</code>.
Errors are <code>application/problem+json</code>; go by <code>code</code>.
The document: <a href="/openapi.json">/openapi.json</a>.</p>
<main id="main"></main>
<script>
const element = (name, text, parent) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
};
const table = (rows, parent) => {
  const made = element("table", undefined, parent);
  for (const cells of rows) {
    const row = element("tr", undefined, made);
    for (const cell of cells) element("td", cell, row);
  }
};
const schemaOf = (content) => {
  const kind = Object.keys(content || {})[0];
  return kind ? content[kind].schema : undefined;
};
const named = (schema) => {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(named).join(" | ");
  if (schema.type === "array") return named(schema.items) + "[]";
  return schema.enum ? schema.enum.join(" | ") : schema.type || "";
};
const operation = (path, method, spec, parent) => {
  const box = element("details", undefined, parent);
  const head = element("summary", undefined, box);
  element("span", method.toUpperCase(), head).className = "method";
  element("code", path, head);
  element("span", "  " + (spec.summary || ""), head);
  if (spec.description) element("p", spec.description, box);
  if ((spec.parameters || []).length) {
    element("h4", "Parameters", box);
    table(spec.parameters.map((p) => [p.name, p.in, named(p.schema), p.description || ""]), box);
  }
  if (spec.requestBody) {
    element("h4", "Body", box);
    element("code", named(schemaOf(spec.requestBody.content)), box);
  }
  element("h4", "Answers", box);
  table(Object.entries(spec.responses).map(
    ([status, r]) => [status, named(schemaOf(r.content)), r.description || ""]), box);
};
const section = (title, parent) => {
  element("h2", title, parent);
  return element("section", undefined, parent);
};
fetch("/openapi.json").then((answer) => answer.json()).then((spec) => {
  document.getElementById("title").textContent = spec.info.title + " " + spec.info.version;
  document.getElementById("about").textContent = spec.info.description || "";
  const main = document.getElementById("main");
  const groups = {};
  for (const [path, methods] of Object.entries(spec.paths))
    for (const [method, one] of Object.entries(methods)) {
      const tag = (one.tags || ["other"])[0];
      groups[tag] = groups[tag] || section(tag, main);
      operation(path, method, one, groups[tag]);
    }
  const events = section("events (webhooks)", main);
  for (const [name, methods] of Object.entries(spec.webhooks || {}))
    operation(name, "post", methods.post, events);
  const shapes = section("schemas", main);
  for (const [name, schema] of Object.entries(spec.components.schemas)) {
    const box = element("details", undefined, shapes);
    element("summary", name, box);
    element("pre", JSON.stringify(schema, null, 2), box);
  }
}).catch((error) => {
  document.getElementById("title").textContent = "The document could not be read: " + error;
});
</script>
</html>
"""
