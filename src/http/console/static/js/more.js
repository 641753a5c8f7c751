// さらに表示 adds the next events below instead of opening them as a page.
import { fetchPage } from "./region.js";

export function more() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-more]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    link.setAttribute("aria-busy", "true");
    const page = await fetchPage(link.href);
    const older = page?.querySelector("[data-events]");
    const list = document.querySelector("[data-events]");
    if (!older || !list) { location.assign(link.href); return; }
    const first = older.querySelector("a[data-row]");
    const lastDay = [...list.querySelectorAll(".day")].at(-1)?.textContent;
    if (older.firstElementChild?.matches(".day") && older.firstElementChild.textContent === lastDay) older.firstElementChild.remove();
    list.append(...older.children);
    const foot = page.querySelector('[data-region="history"] .ft');
    if (foot) link.closest(".ft").replaceWith(document.adoptNode(foot));
    first?.focus({ preventScroll: true });
  });
}
