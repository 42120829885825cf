import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { zh } from "../src/i18n/zh";

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

/** The English texts of the sources: what stands in `t("...")`. */
const texts = new Set(
  files("src")
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) => [...readFileSync(file, "utf8").matchAll(/\bt\(\s*"((?:[^"\\]|\\.)*)"/g)])
    .map((found) => JSON.parse(`"${found[1]}"`) as string),
);

test("every text is there in Chinese, with the same values", () => {
  expect(texts.size).toBeGreaterThan(100);
  expect([...texts].filter((text) => !(text in zh))).toEqual([]);
  const values = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const text of texts) expect(values(zh[text]!), text).toEqual(values(text));
});

/** What the server says why there is no answer: the titles of its kinds of problems. */
const titles = [
  ...readFileSync("../crates/server/src/problem.rs", "utf8").matchAll(/^ {4}\w+ = "[a-z-]+", [A-Z_]+, "([^"]+)",$/gm),
].map((found) => found[1] ?? "");

test("what the server says why there is no answer is there in Chinese", () => {
  expect(titles.length).toBeGreaterThan(10);
  expect(titles.filter((title) => !(title in zh))).toEqual([]);
});

test("nothing is translated that is not said", () => {
  const told = new Set(["The server was not reached", "The live view was interrupted", ...titles]);
  expect(Object.keys(zh).filter((text) => !texts.has(text) && !told.has(text))).toEqual([]);
});
