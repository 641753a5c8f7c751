// Passkeys: the server says what is to be signed, the authenticator signs it, and the form brings the answer back.
// Without script, or in a browser without passkeys, these forms stay hidden; the others do.

export function passkeys() {
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  for (const needs of document.querySelectorAll("[data-passkey-needs]")) needs.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer(form);
    });
  }
}

async function answer(form) {
  const button = form.querySelector("button");
  const failed = form.querySelector("[data-passkey-failed]");
  button.disabled = true;
  failed.hidden = true;
  try {
    const body = new URLSearchParams({ csrf: form.elements.csrf.value });
    const asked = await fetch(form.dataset.ask, { method: "POST", body, headers: { accept: "application/json" } });
    if (asked.redirected) {
      location.assign(asked.url);
      return;
    }
    // What was refused is said by the page that an answer without content leads to.
    if (asked.ok) form.elements.passkey.value = JSON.stringify(await sign(form.dataset.passkey, await asked.json()));
    form.submit();
  } catch {
    // The person closed the dialog, or there is no passkey of theirs here.
    failed.hidden = false;
    button.disabled = false;
    button.focus();
  }
}

async function sign(kind, { publicKey }) {
  publicKey.challenge = bytes(publicKey.challenge);
  if (kind === "create") {
    publicKey.user.id = bytes(publicKey.user.id);
    publicKey.excludeCredentials = readable(publicKey.excludeCredentials);
    const made = await navigator.credentials.create({ publicKey });
    return {
      ...named(made),
      response: {
        attestationObject: text(made.response.attestationObject),
        clientDataJSON: text(made.response.clientDataJSON),
        transports: made.response.getTransports?.() ?? [],
      },
    };
  }
  publicKey.allowCredentials = readable(publicKey.allowCredentials);
  const found = await navigator.credentials.get({ publicKey });
  return {
    ...named(found),
    response: {
      authenticatorData: text(found.response.authenticatorData),
      clientDataJSON: text(found.response.clientDataJSON),
      signature: text(found.response.signature),
      userHandle: found.response.userHandle ? text(found.response.userHandle) : null,
    },
  };
}

function named(credential) {
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type };
}

function readable(credentials) {
  return (credentials ?? []).map((credential) => ({ ...credential, id: bytes(credential.id) }));
}

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
