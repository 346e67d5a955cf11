// What the sections build their views with: elements, words, requests, forms, messages.

export const chosen = {
  language: localStorage.getItem("sandbox.language") || "zh",
  theme: localStorage.getItem("sandbox.theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
};

/** The word in the chosen language. */
export const t = (zh, en) => (chosen.language === "zh" ? zh : en);

/** An element: h("button.primary", { onclick }, "text", child, [children]). Text is never HTML. */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), guarded(value));
    else if (key === "value" || key === "checked") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  return fill(element, children);
}

/** Append what is there: null, undefined and false are left out, lists are opened. */
export function fill(element, ...children) {
  element.append(...children.flat(9).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

/** A handler whose refusal is shown; nothing fails in silence. */
function guarded(act) {
  return async (event) => {
    try {
      await act(event);
    } catch (error) {
      toast(error.message, "bad");
      if (!(error instanceof Refused)) throw error;
    }
  };
}

export class Refused extends Error {}

async function asked(path, options) {
  const answer = await fetch(`/sandbox/api${path}`, options);
  if (answer.ok) return answer.json();
  const told = await answer.text();
  throw new Refused(answer.status === 422 ? JSON.parse(told).error : `${answer.status} ${told}`);
}

export const api = {
  get: (path) => asked(path),
  post: (path, body = {}) =>
    asked(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
};

export function toast(text, tone = "") {
  const line = h(`p${tone ? "." + tone : ""}`, {}, text);
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), tone === "bad" ? 8000 : 3000);
}

/** Ask before something is done that cannot be taken back, or with fields: resolves to their values, or to null. */
export function ask(title, fields, button, { lead = "", danger = false } = {}) {
  return new Promise((resolve) => {
    const form = h("form.form", { method: "dialog" }, fields);
    const dialog = h("dialog", { onclose: () => { resolve(null); dialog.remove(); } },
      h("h3", {}, title), lead && h("p.lead", {}, lead), form,
      h("footer", {},
        h("button", { onclick: () => dialog.close() }, t("取消", "Cancel")),
        h(`button.${danger ? "danger" : "primary"}`, { onclick: () => { if (form.reportValidity()) { resolve(values(form)); dialog.close(); } } }, button)));
    form.addEventListener("submit", (event) => { event.preventDefault(); dialog.querySelector("footer button:last-child").click(); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Values of a form by name: numbers for number inputs, booleans for checkboxes, text otherwise. */
export function values(form) {
  const found = {};
  for (const input of form.querySelectorAll("[name]")) {
    if (input.type === "checkbox") found[input.name] = input.checked;
    else if (input.type === "number") found[input.name] = input.value === "" ? null : Number(input.value);
    else found[input.name] = input.value;
  }
  return found;
}

export const field = (label, input, hint = "") => h("label.field", {}, label, input, hint && h("small", {}, hint));
export const check = (label, attributes) => h("label.check", {}, h("input", { type: "checkbox", ...attributes }), label);
export const pick = (attributes, choices, current) =>
  h("select", attributes, choices.map(([value, label]) => h("option", { value, selected: String(value) === String(current) }, label)));
export const tag = (text, tone = "") => h(`span.tag${tone ? "." + tone : ""}`, {}, text);
export const empty = (text, ...more) => h("div.empty", {}, h("p", {}, text), more);

/** A table: heads are texts or [text, class]; rows are arrays of cells (text, element, or [cell, class]). */
export function table(heads, rows, none) {
  if (!rows.length) return h("div.card", {}, empty(none));
  const cell = (name) => (each) => (Array.isArray(each) ? h(`${name}.${each[1]}`, {}, each[0]) : h(name, {}, each));
  return h("div.scroll", {}, h("table", {},
    h("thead", {}, h("tr", {}, heads.map(cell("th")))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell("td")))))));
}

/** Facts as pairs of words and values; a value may be an element. */
export const facts = (pairs) => h("dl.facts", {}, pairs.map(([word, value]) => [h("dt", {}, word), h("dd", {}, value)]));

/** A secret or address with a button that copies it. */
export function copied(text) {
  return h("span.row", {}, h("code", {}, text || "–"),
    text && h("button.plain", { onclick: async () => { await navigator.clipboard.writeText(text); toast(t("已复制", "Copied")); } }, t("复制", "Copy")));
}

/** A moment in seconds: today's as a time, else with its date. */
export function moment(seconds) {
  const at = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const today = at.toDateString() === new Date().toDateString();
  return today ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** Title, one sentence, and the acts of a view. */
export const head = (title, lead, ...acts) =>
  h("div.head", {}, h("div", {}, h("h1", {}, title), h("p.lead", {}, lead)), h("div.row", {}, acts));
