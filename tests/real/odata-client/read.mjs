// Reads the whole feed with @odata/client and prints it, as text that can be compared.
//
//     node read.mjs INSTALLED SERVICE < TOKEN
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import path from 'node:path'

const [installed, service] = process.argv.slice(2)
const { OData } = createRequire(path.join(path.resolve(installed), 'package.json'))('@odata/client')
const password = readFileSync(0, 'utf8').trim()
const client = OData.New4({
  serviceEndpoint: `${service}/`,
  credential: { username: 'bi', password },
  // JavaScript's numbers are floats.
  commonHeaders: { Accept: 'application/json;IEEE754Compatible=true' },
})

const found = {}
const { value: sets } = await client.requestUri(`${service}/`)
for (const { name } of sets) {
  const rows = []
  let page = await client.newRequest({ collection: name, method: 'GET' })
  for (;;) {
    if (page.error) throw new Error(`${name}: ${page.error.message}`)
    rows.push(...page.value)
    if (!page['@odata.nextLink']) break
    page = await client.requestUri(page['@odata.nextLink'])
  }
  const count = Number(await client.getEntitySet(name).count())
  if (count !== rows.length) throw new Error(`${name}: ${count} counted, ${rows.length} read`)
  const text = (value) => (value === null ? null : String(value))
  found[name] = rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, text(value)])))
}
process.stdout.write(JSON.stringify(found))
