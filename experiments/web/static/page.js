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

// What is typed into a form marked data-keep survives a reload, until it was recorded.
const keyOf = (form) => `glassloop:${form.dataset.keep}`;
const fieldsOf = (form) => [...form.elements].filter(
  (e) => e.name && !["hidden", "file", "submit", "button"].includes(e.type));
const keep = (form) => {
  const values = {};
  for (const e of fieldsOf(form)) if (e.value !== (e.dataset.was ?? "")) values[e.name] = e.value;
  try { sessionStorage.setItem(keyOf(form), JSON.stringify(values)); } catch { /* storage off */ }
};
const giveBack = (form) => {
  for (const e of fieldsOf(form)) e.dataset.was = e.value;
  if (form.dataset.fresh === "no") { keep(form); return; }
  let values = {};
  try { values = JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "{}"); } catch { return; }
  let n = 0;
  for (const e of fieldsOf(form)) {
    if (e.name in values && e.value !== values[e.name]) { e.value = values[e.name]; n += 1; }
  }
  if (n) {
    const note = form.querySelector("[data-kept]");
    if (note) note.hidden = false;
  }
};
const forget = (name) => { try { sessionStorage.removeItem(`glassloop:${name}`); } catch { /* off */ } };

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
  const done = document.querySelector("[data-forget]");
  if (done) forget(done.dataset.forget);
  const first = document.querySelector("[aria-invalid=true]");
  if (first) first.focus();
});
