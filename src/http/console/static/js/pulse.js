// A page with data-every asks for itself again, while somebody can see it. Only changes of state are said aloud.
import { announce, fetchPage, swap } from "./region.js";

export function pulse() {
  const root = document.querySelector("[data-every]");
  const seconds = Number(root?.dataset.every);
  if (!seconds) return;
  let last = Date.now();
  const look = async () => {
    if (document.hidden || Date.now() - last < seconds * 1000) return;
    last = Date.now();
    const page = await fetchPage(location.href, true);
    if (!page) return;
    const before = states();
    swap(page);
    const changed = [...states()].filter(([id, state]) => before.has(id) && before.get(id).word !== state.word);
    announce(changed.map(([, state]) => `${state.name} ${state.word}`).join("、"));
  };
  setInterval(look, 1000);
  document.addEventListener("visibilitychange", look);
}

function states() {
  const all = document.querySelectorAll("[data-state]");
  return new Map([...all].map((one) => [one.dataset.state, { name: one.dataset.stateName, word: one.dataset.stateWord }]));
}
