// A page with data-live listens to its stream and refreshes its regions when something changed.
import { announce, fetchPage, swap } from "./region.js";

const WAIT = 250;

export function live() {
  const root = document.querySelector("[data-live]");
  if (!root || !("EventSource" in window)) return;
  let stream = null;
  let timer = 0;
  let missed = false;
  let opened = false;
  const open = () => {
    stream = new EventSource(root.dataset.live);
    // What changed before the stream stood is not told: a page that waits asks once, and so does every
    // page whose stream was away.
    stream.addEventListener("open", () => {
      if (opened || "liveNow" in root.dataset) refresh(root);
      opened = true;
    });
    stream.addEventListener("changed", () => {
      if (document.hidden) { missed = true; return; }
      clearTimeout(timer);
      timer = setTimeout(() => refresh(root), WAIT);
    });
    stream.addEventListener("ended", () => { stream.close(); refresh(root); });
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && missed) { missed = false; refresh(root); }
  });
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) { open(); refresh(root); } });
  open();
}

async function refresh(root) {
  const before = known();
  const page = await fetchPage(location.href, true);
  if (!page) return;
  const top = anchor();
  swap(page);
  top();
  const fresh = [...document.querySelectorAll("[data-event]")].filter((row) => before && !before.has(row.dataset.event));
  for (const row of fresh) {
    row.dataset.new = "";
    setTimeout(() => delete row.dataset.new, 6000);
  }
  if (fresh.length && root.dataset.liveText) {
    announce(root.dataset.liveText.replace("{0}", fresh.map((row) => row.dataset.eventTitle).join("、")));
  }
  const done = document.querySelector("[data-done]")?.dataset.done;
  if (done?.startsWith("/")) location.assign(done);
}

function known() {
  const rows = document.querySelectorAll("[data-event]");
  return document.querySelector('[data-region="history"]') ? new Set([...rows].map((row) => row.dataset.event)) : null;
}

// What the reader looks at stays where it is when rows arrive above it.
function anchor() {
  const row = [...document.querySelectorAll("[data-event]")].find((one) => one.getBoundingClientRect().top > 0);
  if (!row || scrollY === 0) return () => {};
  const at = row.getBoundingClientRect().top;
  return () => {
    const now = document.querySelector(`[data-event="${CSS.escape(row.dataset.event)}"]`);
    if (now) scrollBy({ top: now.getBoundingClientRect().top - at, behavior: "instant" });
  };
}
