// Light and dark: as the reader's system has it, until the button says otherwise.

import { byID } from "../../LensReport/Assets/format.js";

const preference = window.matchMedia("(prefers-color-scheme: dark)");
let chosen = null;

function apply() {
  const theme = chosen ?? (preference.matches ? "dark" : "light");
  document.documentElement.dataset.theme = theme;
  const other = theme === "dark" ? "light" : "dark";
  byID("theme").textContent = other === "dark" ? "Dark" : "Light";
  byID("theme").setAttribute("aria-label", `Switch to ${other} colours`);
}

/** Changes to the other theme. */
export function switchTheme() {
  chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  apply();
}

/** Applies the theme now and whenever it changes; `onChange` draws everything anew. */
export function startTheme(onChange) {
  apply();
  byID("theme").addEventListener("click", () => {
    switchTheme();
    onChange();
  });
  preference.addEventListener("change", () => {
    apply();
    onChange();
  });
}
