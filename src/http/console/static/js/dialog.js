// A link with data-dialog opens its form in place; without script it is a page of its own.
export function dialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-dialog]");
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog?.showModal) {
      event.preventDefault();
      dialog.showModal();
      return;
    }
    const closer = event.target.closest?.("[data-close]");
    const open = closer?.closest("dialog");
    if (open) {
      event.preventDefault();
      open.close();
    }
  });
}
