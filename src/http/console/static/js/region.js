// Swaps the parts of a page marked with data-region by those of a freshly fetched page, keeping
// focus, open disclosures and the scroll position.

let running = null;

/**
 * Fetches a page of this site; null when a newer fetch took over or the answer is not a page.
 * `byItself`: nobody acted, so the session does not count as used.
 */
export async function fetchPage(url, byItself = false) {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html", ...(byItself && { "X-Musubi-Refresh": "1" }) }, signal: mine.signal, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) {
      // Signed out or broken: let the browser show what the server says.
      if (answer.redirected || answer.status === 401) location.assign(url);
      return null;
    }
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null;
  } finally {
    if (running === mine) running = null;
  }
}

/** Replaces the named regions. `names` empty: all of them. */
export function swap(page, names = []) {
  const held = holdFocus();
  for (const old of document.querySelectorAll("[data-region]")) {
    const name = old.dataset.region;
    if (names.length && !names.includes(name)) continue;
    const fresh = page.querySelector(`[data-region="${CSS.escape(name)}"]`);
    if (!fresh || fresh.isEqualNode(old)) continue;
    // Someone is typing in it: leave it alone.
    if (old.contains(document.activeElement) && /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName) && document.activeElement.type !== "checkbox") continue;
    keepOpen(old, fresh);
    old.replaceWith(document.adoptNode(fresh));
  }
  held();
}

/** Says something to screen readers without moving anything. */
export function announce(text) {
  const line = document.querySelector("[data-announce]");
  if (!line || !text) return;
  line.textContent = "";
  requestAnimationFrame(() => { line.textContent = text; });
}

function holdFocus() {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return () => {};
  const region = focused.closest("[data-region]");
  if (!region) return () => {};
  const find = focused.id ? `#${CSS.escape(focused.id)}`
    : focused.getAttribute("href") ? `a[href="${CSS.escape(focused.getAttribute("href"))}"]`
    : focused.name ? `[name="${CSS.escape(focused.name)}"]${focused.value ? `[value="${CSS.escape(focused.value)}"]` : ""}` : null;
  return () => {
    if (find && !document.contains(focused)) document.querySelector(find)?.focus({ preventScroll: true });
  };
}

function keepOpen(old, fresh) {
  const before = old.querySelectorAll("details");
  fresh.querySelectorAll("details").forEach((details, index) => {
    if (before[index]?.open) details.open = true;
  });
}
