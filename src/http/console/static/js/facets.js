// A ticked facet or a chosen filter applies at once.
import { refresh } from "./search.js";

export function facets() {
  const list = document.querySelector("[data-list-form]");
  list?.addEventListener("change", (event) => {
    if (event.target.type === "checkbox" && event.target.form === list) refresh(list);
  });
  for (const form of document.querySelectorAll("form.fbar")) {
    form.addEventListener("change", (event) => {
      if (event.target.tagName === "SELECT") form.requestSubmit();
    });
  }
}
