import { defineConfig } from "vitest/config";
import solid from "vite-plugin-solid";

// Where `npm run dev` finds a server to ask.
const server = process.env["WEIR_SERVER"] ?? "http://127.0.0.1:7400";

export default defineConfig({
  plugins: [solid()],
  build: {
    // The page is committed: the same sources give the same bytes, and nothing of them tells where it was built.
    outDir: "dist",
    emptyOutDir: true,
    sourcemap: false,
    target: "es2022",
    // The policy of the page forbids what is not its own, data in the style sheet included.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  server: { proxy: { "/api": { target: server, changeOrigin: false } } },
  // The policy under which the server gives the page (crates/server/src/page.rs), so that what it forbids is seen here as well.
  preview: {
    headers: {
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    },
    proxy: { "/api": { target: server, changeOrigin: false } },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 60_000 },
});
