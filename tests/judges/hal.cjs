// Begins work and subscribes in hal, and goes on by links alone: `ketting` is the client, `halfred` reads documents.
//
//   node hal.cjs MODULES URL TOKEN
const assert = require("assert");
const [modules, url, token] = process.argv.slice(2);
const { Client } = require(require.resolve("ketting", { paths: [modules] }));
const halfred = require(require.resolve("halfred", { paths: [modules] }));

const client = new Client(url);
client.use((request, next) => {
  request.headers.set("Authorization", `Bearer ${token}`);
  return next(request);
});
const json = { "Content-Type": "application/json" };

async function main() {
  const tasks = client.go("/assets/tasks");
  const begun = await tasks.post({ data: { task: "rescan" }, headers: json });
  // A GET of what is done leads to the result by itself.
  let state = await begun.follow("self").get();
  while (state.data.state === "running") {
    state = await begun.follow("self").refresh();
  }
  assert.equal(state.data.state, "done");
  const result = state.links.get("self").href;
  assert.ok(result.endsWith("/result"), result);
  assert.ok(state.data.done >= 1, JSON.stringify(state.data));
  const again = await state.follow("task").get();
  assert.equal(again.data.UUID, begun.data.UUID);

  const subscribed = await tasks.post({ data: { watchPath: ["+ /acme"] }, headers: json });
  const shown = await subscribed.follow("self").get();
  assert.equal(shown.data.UUID, subscribed.data.UUID);
  assert.equal(shown.data.topic, subscribed.data.UUID);

  const lost = await tasks.post({ data: { task: "rescan", path: "/acme/nowhere" }, headers: json });
  const get = async (href) => {
    const answer = await fetch(new URL(href, url), { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(answer.headers.get("content-type"), "application/hal+json");
    return halfred.parse(await answer.json());
  };
  const self = lost.links.get("self").href;
  let failed = await get(self);
  while (failed.original().state === "running") {
    failed = await get(self);
  }
  assert.equal(failed.link("self").href, self);
  assert.equal(failed.embeddedResource("problem").original().status, 500);
  assert.equal(failed.validationIssues().length, 0, JSON.stringify(failed.validationIssues()));
  console.log("ketting and halfred: work to its result, a subscription, a problem");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
