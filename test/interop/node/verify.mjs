// Has npm's libraries verify recorded webhooks: the cases of the JSON file that it
// is given after their node_modules. It writes what each library says of each case
// as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, file] = process.argv.slice(2);
const { resolve } = createRequire(path.join(modules, "beside.js"));
const cases = JSON.parse(readFileSync(file, "utf8"));
const verdicts = [];
for (const library of ["standardwebhooks", "svix"]) {
  const { Webhook } = await import(pathToFileURL(resolve(library)));
  for (const { name, secret, header, body } of cases) {
    let error = "";
    try {
      new Webhook(secret).verify(Buffer.from(body, "base64"), header);
    } catch (err) {
      error = `${err.name}: ${err.message}`;
    }
    verdicts.push({ library, case: name, error });
  }
}
console.log(JSON.stringify(verdicts));
