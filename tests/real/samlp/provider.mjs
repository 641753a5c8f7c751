// A SAML identity provider for a test: `samlp`, which stands behind many small providers on Node.
//
//   node provider.mjs MODULES FOLDER HOST PORT
//
// MODULES holds node_modules. FOLDER holds provider.key, provider.crt and what the test decides, which is read anew
// at each request: people.json ({LOGIN: {"password", "name", "mail", "groups"}}) and service.json ({"acs"}).
// It signs as samlp does when nothing is said but the algorithm, and names attributes as it does: by addresses.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const [modules, folder, host, port] = process.argv.slice(2);
const samlp = createRequire(`${modules}/`)('samlp');
const base = `http://${host}:${port}`;
const text = (name) => readFileSync(`${folder}/${name}`, 'utf8');
const json = (name) => JSON.parse(text(name));
const [key, cert] = [text('provider.key'), text('provider.crt')];

function Person(person) {
  return {
    getClaims: () => ({
      'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name': person.name,
      'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress': person.mail,
      'http://schemas.xmlsoap.org/claims/Group': person.groups,
    }),
    getNameIdentifier: () => ({
      nameIdentifier: person.login,
      nameIdentifierFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
    }),
  };
}
Person.prototype.metadata = [];

const escaped = (value) => value.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

const form = (address) => `<!doctype html><html lang="en"><title>Sign in</title>
<form method="post" action="${escaped(address)}"><input id="username" name="username">
<input id="password" name="password" type="password"><button>Sign in</button></form></html>`;

async function body(request) {
  let whole = '';
  for await (const part of request) whole += part;
  return Object.fromEntries(new URLSearchParams(whole));
}

async function answer(request, response) {
  const url = new URL(request.url, base);
  // What samlp expects of Express.
  response.set = (name, value) => response.setHeader(name, value);
  response.send = (page) => response.end(page);
  request.query = Object.fromEntries(url.searchParams);
  Object.assign(request, { originalUrl: request.url, protocol: 'http' });
  const failed = (error) => {
    console.error(error);
    response.writeHead(400).end('This request is not understood.');
  };
  if (url.pathname === '/metadata') {
    const described = { issuer: `${base}/idp`, cert, profileMapper: Person };
    samlp.metadata({ ...described, redirectEndpointPath: '/sso', postEndpointPath: '/sso' })(request, response);
    return;
  }
  if (url.pathname !== '/sso') {
    response.writeHead(404).end();
    return;
  }
  const { username: login, password } = request.method === 'POST' ? await body(request) : {};
  const person = Object.hasOwn(json('people.json'), login ?? '') && json('people.json')[login];
  response.set('content-type', 'text/html; charset=utf-8');
  if (!person || person.password !== password) {
    response.end(form(request.url));
    return;
  }
  const { acs } = json('service.json');
  request.user = { ...person, login };
  const signing = { key, cert, signatureAlgorithm: 'rsa-sha256', digestAlgorithm: 'sha256' };
  samlp.auth({
    ...signing,
    issuer: `${base}/idp`,
    profileMapper: Person,
    destination: acs,
    recipient: acs,
    lifetimeInSeconds: 300,
    getPostURL: (_audience, _request, _from, done) => done(null, acs),
  })(request, response, failed);
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
}).listen(Number(port), host);
