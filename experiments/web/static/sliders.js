// A slider and the number beside it are one value; the number is what is sent.
"use strict";

const sliderOf = (field) => document.querySelector(`input[type=range][data-for="${field.id}"]`);

document.addEventListener("input", (event) => {
  const moved = event.target;
  if (moved.dataset.for) {
    document.getElementById(moved.dataset.for).value = moved.value;
  } else if (sliderOf(moved)) {
    sliderOf(moved).value = moved.value.replace(",", ".");
  }
});

// What is wrong is said at its field, also to who cannot see it.
document.addEventListener("htmx:oobAfterSwap", (event) => {
  const said = document.getElementById(event.detail.target.id) ?? event.detail.target;
  const field = document.getElementById(said.id.replace(/-wrong$/, ""));
  if (!field) return;
  if (said.textContent) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
});

// Enter in a field asks at once instead of sending the form.
document.addEventListener("submit", (event) => {
  if (event.target.id === "asked") event.preventDefault();
});
