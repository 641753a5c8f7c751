// Rows of a list are ticked for what is done to many; columns change places without a reload.

export function picking() {
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches?.("[data-pick-all]")) {
      for (const one of document.querySelectorAll("td.pick input")) one.checked = box.checked;
    }
    // The document itself says that other rows stand there.
    if (box === document || box.closest?.(".pick")) count();
  });
  count();
  for (const list of document.querySelectorAll("[data-order]")) {
    list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-up], [data-down]");
      if (!button) return;
      event.preventDefault();
      const row = button.closest("li");
      if (button.matches("[data-up]")) row.previousElementSibling?.before(row);
      else row.nextElementSibling?.after(row);
      button.focus();
    });
  }
}

function count() {
  const line = document.querySelector("[data-picked]");
  if (!line) return;
  const all = document.querySelectorAll("td.pick input");
  const picked = [...all].filter((one) => one.checked).length;
  line.textContent = picked ? line.dataset.some.replace("{0}", picked) : line.dataset.none;
  for (const button of document.querySelectorAll("[data-needs-pick]")) button.disabled = !picked;
  const head = document.querySelector("[data-pick-all]");
  if (head) {
    head.checked = picked > 0 && picked === all.length;
    head.indeterminate = picked > 0 && picked < all.length;
  }
}
