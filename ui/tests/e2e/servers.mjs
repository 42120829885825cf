// Real servers in a folder of their own: nginx before a shop and its carts, MariaDB and Redis behind them.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";

/** A port that is free. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Waits until somebody listens. */
export async function listening(port, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const is = await new Promise((resolve) => {
      const socket = net
        .connect(port, "127.0.0.1", () => socket.end(() => resolve(true)))
        .on("error", () => resolve(false));
    });
    if (is) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nobody listens at ${port}`);
}

/** Starts all of them, and tells their ports; `children` gets what has to be ended. */
export async function servers(folder, children) {
  const start = (program, args, options = {}) => {
    const child = spawn(program, args, { stdio: "ignore", cwd: folder, ...options });
    children.push(child);
    return child;
  };
  const [nginx, shop, carts, redis, mysql] = await Promise.all([1, 2, 3, 4, 5].map(freePort));

  start("redis-server", ["--port", redis, "--bind", "127.0.0.1", "--save", "", "--dir", folder].map(String));

  const data = join(folder, "mysql");
  execFileSync(
    "mariadb-install-db",
    ["--no-defaults", `--datadir=${data}`, "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db"],
    { stdio: "ignore" },
  );
  const sql = join(folder, "begin.sql");
  // One statement a line.
  const statements = [
    "CREATE DATABASE shop;",
    "CREATE TABLE shop.orders (id INT PRIMARY KEY, total INT);",
    `INSERT INTO shop.orders VALUES ${Array.from({ length: 51 }, (_, id) => `(${id}, ${id * 3})`).join(", ")};`,
  ];
  writeFileSync(sql, `${statements.join("\n")}\n`);
  start("/usr/sbin/mariadbd", [
    "--no-defaults",
    "--user=root",
    `--datadir=${data}`,
    `--socket=${join(folder, "mysql.sock")}`,
    `--port=${mysql}`,
    "--bind-address=127.0.0.1",
    `--init-file=${sql}`,
    "--skip-networking=0",
  ]);

  await Promise.all([redis, mysql].map((port) => listening(port)));

  // Each under a name of its own, by which Weir calls it.
  for (const [name, port] of [
    ["shop", shop],
    ["carts", carts],
  ]) {
    copyFileSync(new URL("shop.py", import.meta.url), join(folder, `${name}.py`));
    start("/usr/bin/python3", [`${name}.py`, name, port, redis, mysql].map(String));
  }
  mkdirSync(join(folder, "logs"), { recursive: true });
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/logs/error.log;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3; uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  upstream shop { server 127.0.0.1:${shop}; keepalive 8; }
  upstream carts { server 127.0.0.1:${carts}; keepalive 8; }
  server {
    listen 127.0.0.1:${nginx};
    proxy_http_version 1.1; proxy_set_header Connection "";
    location /carts/ { proxy_pass http://carts; }
    location / { proxy_pass http://shop; }
  }
}
`,
  );
  start("/usr/sbin/nginx", ["-p", folder, "-c", join(folder, "nginx.conf")]);
  await Promise.all([nginx, shop, carts].map((port) => listening(port)));
  return { nginx, shop, carts, redis, mysql };
}
