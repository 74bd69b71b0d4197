// Rendered from sccfg.toml by `sccfg apply`, which replaces edits.
'use strict';
const { execFileSync } = require('child_process');
const fs = require('fs');

const env = process.env;

function main() {
  fs.appendFileSync(env.GITHUB_STATE, 'post=true\n');
  if (env.INPUT_GHA !== 'true') return;
  for (const name of ['ACTIONS_RESULTS_URL', 'ACTIONS_RUNTIME_TOKEN']) {
    if (env[name]) fs.appendFileSync(env.GITHUB_ENV, `${name}=${env[name]}\n`);
  }
}

function sum(counter) {
  return Object.values((counter && counter.counts) || {}).reduce((one, other) => one + other, 0);
}

function post() {
  const words = (env.SCCFG_CI_SCCACHE || '').split(' ').filter(Boolean);
  if (words.length === 0 || (env.RUSTC_WRAPPER === '' && words.length === 1)) {
    fs.appendFileSync(env.GITHUB_STEP_SUMMARY, 'sccache was not used; the step of sccfg says why.\n');
    return;
  }
  const args = words.slice(1).concat(['--show-stats', '--stats-format=json']);
  const reply = JSON.parse(execFileSync(words[0], args, { encoding: 'utf8', timeout: 60000 }));
  const stats = reply.stats;
  const hits = sum(stats.cache_hits);
  const misses = sum(stats.cache_misses);
  const looked = hits + misses;
  const rate = looked === 0 ? '-' : `${((100 * hits) / looked).toFixed(1)} %`;
  const readOnly = env.SCCFG_CI_MODE === 'READ_ONLY';
  const rows = [
    ['hits', hits],
    ['misses', misses],
    ['hit rate', rate],
    ['not cacheable', stats.requests_not_cacheable],
    ['stored', readOnly ? 'nothing: read-only' : stats.cache_writes],
  ];
  // Every miss counts as a write error there.
  if (!readOnly) rows.push(['could not be stored', stats.cache_write_errors]);
  rows.push(['could not be read', stats.cache_read_errors]);
  rows.push(['cache', String(reply.cache_location).replace(/\/\/[^@/]*@/g, '//')]);
  const lines = rows.map(([name, value]) => `| ${name} | ${value} |`);
  const table = ['### sccache', '', '| | |', '| --- | --- |', ...lines, ''].join('\n');
  fs.appendFileSync(env.GITHUB_STEP_SUMMARY, `${table}\n`);
}

try {
  if (env.STATE_post) post();
  else main();
} catch (error) {
  // A report never fails a job.
  console.log(`::warning title=sccfg::no statistics: ${String(error.message).split('\n')[0]}`);
}
