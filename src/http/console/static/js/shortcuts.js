// Single keys: never in fields, never while an input method composes, and they can be turned off.
const GO = { h: "/", c: "/customers", s: "/sync", e: "/failures" };

export function shortcuts() {
  if (document.body.dataset.shortcuts !== "on") return;
  let leader = 0;
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable], dialog")) return;
    if (leader && Date.now() - leader < 1200 && GO[event.key]) {
      leader = 0;
      if (document.querySelector(`.side a[href="${GO[event.key]}"]`)) location.assign(GO[event.key]);
      return;
    }
    leader = 0;
    if (event.key === "g") leader = Date.now();
    else if (event.key === "/") {
      event.preventDefault();
      (document.querySelector("[data-search]") ?? document.querySelector("[data-global-search] input"))?.focus();
    } else if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
    else if (event.key === "r") document.querySelector('[data-key="r"]')?.focus();
  });
}

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent);
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  document.querySelector("[data-selected]")?.removeAttribute("data-selected");
  next.closest("tr, .it, .ev")?.setAttribute("data-selected", "");
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
