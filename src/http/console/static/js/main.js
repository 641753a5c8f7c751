// Behaviour of the console. Every page works without it; these modules only avoid reloads.
import { copies, files, focusErrors, leaving, narrowing, popovers } from "./small.js";
import { dialogs } from "./dialog.js";
import { everywhere } from "./everywhere.js";
import { facets } from "./facets.js";
import { live } from "./live.js";
import { more } from "./more.js";
import { passkeys } from "./passkey.js";
import { picking } from "./picking.js";
import { pulse } from "./pulse.js";
import { search } from "./search.js";
import { shortcuts } from "./shortcuts.js";

document.documentElement.classList.add("js");
for (const start of [search, everywhere, picking, facets, live, pulse, more, dialogs, shortcuts, popovers, copies, files, narrowing, focusErrors, leaving, passkeys]) {
  start();
}
