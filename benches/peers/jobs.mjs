// Claims, delivers and completes jobs that do nothing, by four workers on the server of PATRONAGE_POSTGRES_URL: ours, and
// graphile-worker as it comes and with its batching switched on, in turn. Prints the rates and a line for each comparison.
// Its jobs are fewer than ours, which does not slow it down, and its tables are analysed, which ours are not. Arguments: the folder that graphile-worker is installed in, our bench.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";

const [modules, ours] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const { run, runMigrations, Logger } = require("graphile-worker");
const { Pool } = require("pg");

const JOBS = 5_000;
const WORKERS = 4;
const ROUNDS = 3;
const url = process.env.PATRONAGE_POSTGRES_URL;
const logger = new Logger(() => () => {});

// As its documentation advises for throughput: a local queue as large as our batches, and completions in batches.
const batched = {
  worker: { localQueue: { size: 100, refetchDelay: { durationMs: 10 } }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};

async function graphile(preset) {
  const pgPool = new Pool({ connectionString: url, max: 10 });
  pgPool.on("error", () => {});
  pgPool.on("connect", (client) => client.on("error", () => {}));
  await pgPool.query("DROP SCHEMA IF EXISTS graphile_worker CASCADE");
  await pgPool.query("VACUUM");
  await runMigrations({ pgPool, logger });
  await pgPool.query(
    "SELECT graphile_worker.add_job('bench', json_build_object('n', n)) FROM generate_series(1, $1::int) AS n",
    [JOBS],
  );
  await pgPool.query("VACUUM ANALYZE");
  let done = 0;
  const start = performance.now();
  const runner = await run({
    pgPool,
    logger,
    concurrency: WORKERS,
    noHandleSignals: true,
    preset,
    taskList: { bench: async () => void done++ },
  });
  for (;;) {
    await new Promise((wake) => setTimeout(wake, 10));
    if (done < JOBS) continue;
    const left = await pgPool.query("SELECT count(*)::int AS left FROM graphile_worker.jobs");
    if (left.rows[0].left === 0) break;
  }
  const rate = JOBS / ((performance.now() - start) / 1000);
  await runner.stop();
  await pgPool.end();
  if (done !== JOBS) throw new Error(`${done} of ${JOBS} jobs`);
  return rate;
}

function patronage() {
  const printed = execFileSync(ours, ["--bench", "jobs"], { encoding: "utf8" });
  return Number(printed.split("\t")[2]);
}

const rates = { patronage: [], "graphile-worker": [], "graphile-worker, batched": [] };
for (let round = 0; round < ROUNDS; round++) {
  const turns = { patronage, "graphile-worker": () => graphile({}), "graphile-worker, batched": () => graphile(batched) };
  for (const [name, turn] of Object.entries(turns)) {
    const rate = await turn();
    rates[name].push(rate);
    console.log(`# round ${round + 1}, ${name}: ${rate.toFixed(0)} jobs/s`);
  }
}
const median = (all) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)];
for (const peer of ["graphile-worker", "graphile-worker, batched"]) {
  const ratio = median(rates.patronage) / median(rates[peer]);
  const target = peer === "graphile-worker" ? 1.5 : 1;
  const verdict = ratio >= target ? "met" : "missed";
  console.log(`figure\tjobs a second, ours over ${peer}\t${ratio.toFixed(2)}\ttimes\t>= ${target}\t${verdict}`);
}
