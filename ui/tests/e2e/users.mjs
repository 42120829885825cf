// Users of the shop: so many requests of each kind, and what came of them, counted here. What they count is the truth that the page is held to.
import http from "node:http";

const [port, rounds, pause] = process.argv.slice(2).map(Number);
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
  const paths = [`/orders/${round % 50}`, `/orders/${(round * 7) % 50}`, `/carts/${round % 20}`];
  if (round % 8 === 0) paths.push("/reports/daily");
  if (round % 25 === 0) paths.push("/broken");
  await Promise.all(paths.map(get));
  await new Promise((resolve) => setTimeout(resolve, pause));
}
agent.destroy();
console.log(JSON.stringify(counts));
