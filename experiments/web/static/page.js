// Small helps for the pages. Everything works without them but paste, live answers and plots.
"use strict";

const announce = (words) => {
  const place = document.getElementById("announce");
  if (place) place.textContent = words;
};

// A lost network or a server that is down is said, and nothing typed is lost.
document.addEventListener("htmx:sendError", () =>
  announce("The server cannot be reached; what you typed is still here. Try again in a moment."));
document.addEventListener("htmx:timeout", () =>
  announce("The server took too long; try again in a moment."));
document.addEventListener("htmx:responseError", (event) => {
  let words = "The server refused that.";
  try { words = JSON.parse(event.detail.xhr.responseText).detail; } catch { /* no problem+json */ }
  announce(words);
});
document.addEventListener("htmx:afterOnLoad", () => announce(""));

// What is typed into a form marked data-keep survives a reload, until it was recorded. It is kept
// by specimen, property and column, so that it comes back where it belongs or not at all.
const STORE = "glassloop:";
const fieldsOf = (form) => [...form.querySelectorAll("[data-key]")];
const stored = (form) => {
  try { return JSON.parse(sessionStorage.getItem(STORE + form.dataset.keep) ?? "{}"); }
  catch { return {}; }
};
const keep = (form) => {
  const values = {};
  for (const e of fieldsOf(form)) if (e.value !== e.dataset.was) values[e.dataset.key] = e.value;
  try { sessionStorage.setItem(STORE + form.dataset.keep, JSON.stringify(values)); }
  catch { /* storage is off */ }
};
const giveBack = (form) => {
  if (form.dataset.fresh === "no") { keep(form); return; }  // the page holds what was typed
  const values = stored(form);
  let n = 0;
  for (const e of fieldsOf(form)) {
    const key = e.dataset.key;
    if (key in values && e.value !== values[key]) { e.value = values[key]; n += 1; }
    delete values[key];
  }
  const note = form.querySelector("[data-kept]");
  if (n && note) note.hidden = false;
  // What has no place any more was recorded: by this form, or by somebody else, which is said.
  const gone = Object.entries(values).filter(([, value]) => value);
  const lost = form.querySelector("[data-gone]");
  if (gone.length && lost && !("recorded" in form.dataset)) {
    lost.hidden = false;
    lost.textContent = "Somebody recorded these rows meanwhile; you had typed: " + gone.map(
      ([key, value]) => `${key.split("|").filter(Boolean).join(" ").replaceAll("_", " ")}: ${value}`,
    ).join("; ");
  }
  keep(form);
};
const forgetAll = () => {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(STORE)) sessionStorage.removeItem(key);
    }
  } catch { /* storage is off */ }
};

// Cells copied from a spreadsheet fill the table from the field they are pasted into.
const paste = (event) => {
  const field = event.target;
  const table = field.closest?.("table[data-paste]");
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!table || !/[\t\n]/.test(text.replace(/[\r\n]+$/, ""))) return;
  event.preventDefault();
  const rows = [...table.tBodies[0].rows].map(
    (row) => [...row.querySelectorAll("input:not([type=hidden]), select")])
    .filter((fields) => fields.length);
  const at = rows.findIndex((row) => row.includes(field));
  const from = rows[at].indexOf(field);
  let filled = 0, beyond = 0;
  text.replace(/\r\n?/g, "\n").replace(/\n+$/, "").split("\n").forEach((line, i) => {
    line.split("\t").forEach((cell, j) => {
      const target = rows[at + i]?.[from + j];
      const value = cell.trim();
      if (!target || target.disabled) { if (value) beyond += 1; return; }
      if (target.tagName === "SELECT") {
        const wanted = value.toLowerCase().replaceAll(" ", "_");
        const option = [...target.options].find(
          (o) => o.value === wanted || o.text.toLowerCase() === value.toLowerCase());
        if (!option) { if (value) beyond += 1; return; }
        target.value = option.value;
      } else {
        target.value = value;
      }
      filled += 1;
      target.dispatchEvent(new Event("input", { bubbles: true }));
      target.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });
  const form = field.form;
  if (form) keep(form);
  const said = table.parentElement.querySelector("[data-pasted]");
  if (said) said.textContent = `${filled} cells pasted` + (beyond ? `, ${beyond} did not fit` : "");
};

document.addEventListener("paste", paste);
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.dataset.keep) keep(form);
  if (event.target.type === "range") {
    const shown = document.getElementById(`${event.target.id}-value`);
    if (shown) shown.textContent = event.target.value;
  }
});
document.addEventListener("change", (event) => {
  if (event.target.type !== "file") return;
  const names = [...event.target.files].map((file) => file.name).join(", ");
  const shown = document.getElementById(`${event.target.id}-chosen`);
  if (shown) shown.textContent = names;
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) =>
    event.target.closest?.(".drop")?.classList.toggle("over", kind === "dragover"));
}
document.addEventListener("submit", (event) => {
  if (new URL(event.target.action).pathname === "/logout") forgetAll();
  const button = event.submitter;
  if (button && event.target.method === "post") {
    setTimeout(() => { button.disabled = true; }, 0);  // after its value went along
  }
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button:disabled:not([data-off])")) {
    button.disabled = false;
  }
});

document.addEventListener("DOMContentLoaded", () => {
  for (const form of document.querySelectorAll("form[data-keep]")) giveBack(form);
  const first = document.querySelector("[aria-invalid=true]");
  if (first) first.focus();
});
