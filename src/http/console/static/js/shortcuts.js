// Single keys: never in fields, never while an input method composes, and they can be turned off. Ctrl-K is no
// single key and always works. Which letter leads where stands on the menu itself (data-go).

export function shortcuts() {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    const field = document.querySelector("[data-global-search] input");
    if (!field || event.isComposing) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
  if (document.body.dataset.shortcuts !== "on") return;
  let leader = 0;
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], dialog")) return;
    const go = leader && Date.now() - leader < 1200 && /^[a-z]$/.test(event.key) && document.querySelector(`.side a[data-go="${event.key}"]`);
    leader = 0;
    if (go) location.assign(go.href);
    else if (event.key === "g") leader = Date.now();
    else if (event.key === "/") {
      event.preventDefault();
      (document.querySelector("[data-search]") ?? document.querySelector("[data-global-search] input"))?.focus();
    } else if (event.key === "?") {
      event.preventDefault();
      document.getElementById("keys-dialog")?.showModal();
    } else if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
    else if (event.key === "x") document.querySelector("[data-selected] td.pick input")?.click();
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
