// Follows a stream of events with the `eventsource` package, and prints each event's id and path, a line each. What
// breaks is its business: it reconnects by itself, with the last id that it heard.
//
//   node stream.cjs MODULES URL TOKEN
const [modules, url, token] = process.argv.slice(2);
const { EventSource } = require(require.resolve("eventsource", { paths: [modules] }));

const withToken = (input, init) =>
  fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } });
const source = new EventSource(url, { fetch: withToken });
source.addEventListener("open", () => console.log("open"));
source.addEventListener("message", (event) => {
  const row = JSON.parse(event.data);
  console.log(`${event.lastEventId} ${row.seq} ${row.path ?? row.event}`);
});
source.addEventListener("error", (event) => console.error(event.code, event.message));
