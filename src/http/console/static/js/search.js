// Search as you type on the customer list: fetches the same address and swaps the results.
import { announce, fetchPage, swap } from "./region.js";

export function search() {
  const field = document.querySelector("[data-search]");
  if (!field) return;
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => refresh(field.form), 150);
  };
  field.addEventListener("input", (event) => {
    if (!event.isComposing) later();
  });
  field.addEventListener("compositionend", later);
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    refresh(field.form);
  });
}

/** The list for what the form now says; the address follows, so Back and sharing work. */
export async function refresh(form) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value && !(name === "sort" && value === "-sales")) asked.append(name, value);
  }
  const url = `${form.getAttribute("action")}${asked.size ? `?${asked}` : ""}`;
  const results = document.querySelector('[data-region="results"]');
  const slow = setTimeout(() => results?.setAttribute("aria-busy", "true"), 300);
  const page = await fetchPage(url);
  clearTimeout(slow);
  document.querySelector('[data-region="results"]')?.removeAttribute("aria-busy");
  if (!page) return;
  swap(page, ["results", "facets", "tabs", "chips", "columns", "bulk"]);
  document.dispatchEvent(new Event("change"));
  history.replaceState(null, "", url);
  announce(document.querySelector("[data-announcement]")?.textContent);
}
