// Small helpers: popovers close, codes copy, filters unfold, the first error gets the focus.

export function popovers() {
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll(".menu[open], .tip[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of document.querySelectorAll(".menu[open], .tip[open]")) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  });
}

export function copies() {
  if (!navigator.clipboard) return;
  for (const code of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn s copy";
    const [idle, done] = document.documentElement.lang === "ja" ? ["コピー", "コピーしました"] : ["Copy", "Copied"];
    button.textContent = idle;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = done;
      setTimeout(() => { button.textContent = idle; }, 2000);
    });
    code.after(button);
  }
}

export function narrowing() {
  // Facets stand open on wide screens; on a phone the button opens them.
  const fold = document.querySelector(".facets-w > .fold");
  if (fold && new URLSearchParams(location.search).has("health")) fold.open = true;
}

export function leaving() {
  // On to a provider that takes requests by a form. The button does the same.
  document.querySelector("form[data-leave]")?.submit();
}

export function files() {
  // A file goes into the field that takes the same text; without script it is pasted there.
  for (const pick of document.querySelectorAll("[data-file-into]")) {
    const field = document.getElementById(pick.dataset.fileInto);
    const input = pick.querySelector("input");
    pick.hidden = false;
    input.addEventListener("change", async () => {
      if (input.files[0]) field.value = await input.files[0].text();
      field.focus();
    });
  }
}

export function focusErrors() {
  document.querySelector("[data-focus]")?.focus();
}
