// OpenID Providers for tests: `oidc-provider`, which is certified, with people, clients and keys that a
// test decides on.
//
//   node provider.mjs FOLDER PORT
//
// FOLDER holds node_modules. On 127.0.0.1:PORT a test orders, as JSON by POST:
//   /issuers            {}                             opens one; answers {"issuer"}
//   /issuers/N/clients  client metadata                makes or changes a client
//   /issuers/N/people   {"login", "password", claims}  makes or changes a person, by login
//   /issuers/N/keys     {"keep": true | false}         signs with a new key; keeps publishing the old one, or not
// N is the issuer's own port. Issuers are on another address of loopback than the hub, because cookies
// belong to an address whatever the port. Everything is in memory and ends with the process. Version 8,
// because 9 does not run on Debian 12's Node 18.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, port] = process.argv.slice(2);
const { default: Provider } = await import(
  pathToFileURL(createRequire(`${folder}/`).resolve('oidc-provider')).href
);

const HOST = '127.0.0.21';
const ISSUERS = new Map();

// What a provider remembers, outside of it, so that it outlives a change of keys.
class Memory {
  constructor(kind, rows) {
    this.kind = kind;
    this.rows = rows;
  }

  key(id) {
    return `${this.kind} ${id}`;
  }

  async upsert(id, payload) {
    this.rows.set(this.key(id), payload);
  }

  async find(id) {
    return this.rows.get(this.key(id));
  }

  async findByUid(uid) {
    return this.search((payload) => payload.uid === uid);
  }

  async findByUserCode(code) {
    return this.search((payload) => payload.userCode === code);
  }

  search(fits) {
    const found = [...this.rows].find(([key, payload]) => key.startsWith(`${this.kind} `) && fits(payload));
    return found?.[1];
  }

  async consume(id) {
    this.rows.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.rows.delete(this.key(id));
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of this.rows) {
      if (payload.grantId === grantId) this.rows.delete(key);
    }
  }
}

class Issuer {
  rows = new Map();
  people = new Map();
  keys = [newKey()];
  secret = randomBytes(16).toString('hex');

  async open() {
    this.server = createServer((request, response) => this.answer(request, response));
    await new Promise((resolve) => this.server.listen(0, HOST, resolve));
    this.port = this.server.address().port;
    this.url = `http://${HOST}:${this.port}`;
    this.renew();
  }

  // The provider reads its keys once: a change of keys is a new one over the same memory.
  renew() {
    this.provider = new Provider(this.url, {
      adapter: (kind) => new Memory(kind, this.rows),
      jwks: { keys: this.keys },
      cookies: { keys: [this.secret] },
      claims: {
        openid: ['sub'],
        profile: ['name', 'given_name', 'family_name', 'preferred_username'],
        email: ['email', 'email_verified'],
        groups: ['groups'],
      },
      scopes: ['openid', 'offline_access'],
      findAccount: (_, sub) => this.account(sub),
      interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
      features: {
        devInteractions: { enabled: false },
        backchannelLogout: { enabled: true },
        rpInitiatedLogout: { logoutSource: ask, postLogoutSuccessSource: bye },
      },
      pkce: { required: () => true },
      renderError: (context, out) => {
        context.type = 'html';
        context.body = page('Refused', `<p id="error">${escaped(out.error)}: ${escaped(out.error_description)}</p>`);
      },
      ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, Session: 3600 },
    });
    this.provider.on('server_error', (_, error) => console.error(error));
    this.callback = this.provider.callback();
  }

  account(sub) {
    const person = [...this.people.values()].find((known) => known.claims.sub === sub);
    return person && { accountId: sub, claims: () => person.claims };
  }

  async answer(request, response) {
    // Browsers ask for it by themselves, and would complain.
    if (request.url === '/favicon.ico') return send(response, 204, '');
    const uid = /^\/sign-in\/([\w-]+)$/.exec(request.url)?.[1];
    if (!uid) return this.callback(request, response);
    try {
      await this.interact(request, response, uid);
    } catch (error) {
      send(response, 400, page('Refused', `<p id="error">${escaped(String(error))}</p>`));
    }
  }

  // The two questions of a sign-in: who are you (a page), and may the client know (always).
  async interact(request, response, uid) {
    const { prompt, params, session, grantId } = await this.provider.interactionDetails(request, response);
    if (prompt.name === 'consent') {
      const grant =
        (grantId && (await this.provider.Grant.find(grantId))) ||
        new this.provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      const consent = { grantId: await grant.save() };
      return this.provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
    }
    const said = new URLSearchParams(request.method === 'POST' ? await body(request) : '');
    const person = this.people.get(said.get('login'));
    if (!person || person.password !== said.get('password')) {
      const wrong = request.method === 'POST' ? '<p id="error">Wrong name or password</p>' : '';
      return send(response, 200, page('Sign in', wrong + form(uid)));
    }
    const login = { accountId: person.claims.sub };
    return this.provider.interactionFinished(request, response, { login });
  }

  async order(what, wish) {
    if (what === 'clients') {
      await new Memory('Client', this.rows).upsert(wish.client_id, wish);
    } else if (what === 'people') {
      const { login, password, ...claims } = wish;
      this.people.set(login, { password, claims });
    } else {
      this.keys = [newKey(), ...(wish.keep ? this.keys : [])];
      this.renew();
    }
  }
}

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(6).toString('hex'), alg: 'RS256', use: 'sig' };
}

function form(uid) {
  return `<form method="post" action="/sign-in/${uid}">
    <p><label>Name <input id="login" name="login" autocomplete="username"></label>
    <p><label>Password <input id="password" name="password" type="password" autocomplete="current-password"></label>
    <p><button id="go">Sign in</button></form>`;
}

function ask(context, logout) {
  const button = '<button id="yes" form="op.logoutForm" name="logout" value="yes">Sign out</button>';
  context.body = page('Sign out here, too?', logout + button);
}

function bye(context) {
  context.body = page('Signed out', '<p>Signed out here.</p>');
}

function page(title, content) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
    <main><h1>${title}</h1>${content}</main></html>`;
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function send(response, status, text, type = 'text/html; charset=utf-8') {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}

async function order(path, wish) {
  if (path === '/issuers') {
    const issuer = new Issuer();
    await issuer.open();
    ISSUERS.set(String(issuer.port), issuer);
    return { issuer: issuer.url };
  }
  const [, number, what] = /^\/issuers\/(\d+)\/(clients|people|keys)$/.exec(path) ?? [];
  if (!ISSUERS.has(number)) return null;
  await ISSUERS.get(number).order(what, wish);
  return {};
}

createServer(async (request, response) => {
  try {
    const done = await order(request.url, JSON.parse(await body(request)));
    send(response, done ? 200 : 404, JSON.stringify(done), 'application/json');
  } catch (error) {
    send(response, 500, JSON.stringify(String(error)), 'application/json');
  }
}).listen(Number(port), '127.0.0.1');
