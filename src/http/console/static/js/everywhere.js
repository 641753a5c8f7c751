// The box at the top answers while one types: the first hits of every noun below it. The page /search says the same
// without script; arrows walk the hits, Tab goes to the next group, Enter opens, Escape closes.
const WAIT = 150;

export function everywhere() {
  const form = document.querySelector("[data-global-search]");
  const list = form?.querySelector("[data-hits]");
  if (!list) return;
  const field = form.querySelector("input");
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-controls", "search-hits");
  list.id = "search-hits";
  let timer = 0;
  let asked = null;
  const close = () => { list.hidden = true; field.setAttribute("aria-expanded", "false"); };
  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    try {
      const query = new URLSearchParams({ q: field.value, few: "1" });
      const answer = await fetch(`/search?${query}`, { headers: { Accept: "text/html" }, signal: asked.signal, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return close();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const hits = page.querySelector('[data-region="hits"]');
      if (!hits || document.activeElement !== field) return close();
      hits.removeAttribute("data-region");
      for (const row of hits.querySelectorAll("[data-row]")) row.removeAttribute("data-row");
      list.replaceChildren(document.adoptNode(hits));
      list.hidden = false;
      field.setAttribute("aria-expanded", "true");
    } catch {
      // A newer question took over, or the network is away: Enter still goes to the page.
    }
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(ask, WAIT); };
  field.addEventListener("input", (event) => { if (!event.isComposing) later(); });
  field.addEventListener("compositionend", later);
  field.addEventListener("focus", later);
  form.addEventListener("keydown", (event) => {
    if (event.isComposing || list.hidden) return;
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = at + (event.key === "ArrowDown" ? 1 : -1);
      (next < 0 ? field : links[Math.min(next, links.length - 1)])?.focus();
    } else if (event.key === "Tab" && !event.shiftKey) {
      const groups = [...list.querySelectorAll("section")].map((group) => group.querySelector("li a")).filter(Boolean);
      const next = at < 0 ? groups[0] : groups.find((link) => links.indexOf(link) > at);
      if (next) { event.preventDefault(); next.focus(); }
      else close();
    } else if (event.key === "Escape") {
      field.focus();
      close();
    }
  });
  document.addEventListener("click", (event) => { if (!form.contains(event.target)) close(); });
  form.addEventListener("focusout", (event) => { if (event.relatedTarget && !form.contains(event.relatedTarget)) close(); });
}
