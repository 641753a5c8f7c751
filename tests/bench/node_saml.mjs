// Verifies one SAML answer again and again with node-saml, and prints how many a second.
import { SAML } from "@node-saml/node-saml";

const given = JSON.parse(process.argv[2]);
const saml = new SAML({
  idpCert: given.certificate,
  issuer: given.audience,
  audience: given.audience,
  callbackUrl: given.acs,
  entryPoint: "https://bench.id.example/sso",
  wantAuthnResponseSigned: false,
  wantAssertionsSigned: true,
  validateInResponseTo: "never",
  acceptedClockSkewMs: 60_000,
});
let done = 0;
const begun = process.hrtime.bigint();
const elapsed = () => Number(process.hrtime.bigint() - begun) / 1e9;
while (elapsed() < given.seconds) {
  const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: given.answer });
  if (profile.nameID !== given.subject) throw new Error("another person");
  done += 1;
}
console.log(`verified_per_second ${done / elapsed()}`);
