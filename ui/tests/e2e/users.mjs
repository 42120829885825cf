// Users of the shop: so many requests of each kind, and what came of them, counted here. What they count is the truth that the page is held to.
// With `later` they ask as they do after a bad change: orders are slow, half of the reports fail, refunds are new, and nobody asks for carts.
import http from "node:http";

const [port, rounds, pause] = process.argv.slice(2, 5).map(Number);
const later = process.argv[5] === "later";
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const counts = {};

function get(path) {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: "127.0.0.1", port, path, agent }, (response) => {
      response.resume();
      response.on("end", () => {
        const key = `${path.split("/")[1]} ${response.statusCode}`;
        counts[key] = (counts[key] ?? 0) + 1;
        resolve();
      });
    });
    request.on("error", reject);
  });
}

for (let round = 0; round < rounds; round += 1) {
  const bad = [`/orders/${round % 50}?slow`, `/refunds/${round % 20}`];
  if (round % 4 === 0) bad.push(round % 8 === 0 ? "/reports/daily?fail" : "/reports/daily");
  const usual = [`/orders/${round % 50}`, `/orders/${(round * 7) % 50}`, `/carts/${round % 20}`];
  if (round % 8 === 0) usual.push("/reports/daily");
  if (round % 25 === 0) usual.push("/broken");
  await Promise.all((later ? bad : usual).map(get));
  await new Promise((resolve) => setTimeout(resolve, pause));
}
agent.destroy();
console.log(JSON.stringify(counts));
