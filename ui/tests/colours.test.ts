/** Colours that mean something are told apart by eyes that lack one kind of cones too, and what is written can be read. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync(new URL("../src/styles.css", import.meta.url), "utf8");

/** The colours of a theme, each as what its name says. */
function theme(name: string): Record<string, string> {
  const block = new RegExp(`data-theme="${name}"\\] \\{([^}]*)\\}`).exec(css)?.[1] ?? "";
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
  );
}

type Three = [number, number, number];
const map3 = (matrix: readonly Three[], [a, b, c]: Three) =>
  matrix.map((row) => row[0] * a + row[1] * b + row[2] * c) as Three;

/** Linear light of red, green and blue (IEC 61966-2-1). */
const light = (hex: string) =>
  [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Three;

/** What is left of it for who lacks one kind of cones (Machado, Oliveira, Fernandes 2009, severity 1). */
const eyes: Record<string, Three[]> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Lightness and two axes of colour in which distances are about as large as they look (Oklab, Ottosson 2020). */
function seen(hex: string, by: Three[]): Three {
  const within = map3(by, light(hex)).map((part) => Math.min(1, Math.max(0, part))) as Three;
  const cones = map3(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    within,
  ).map(Math.cbrt) as Three;
  return map3(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones,
  );
}

const luminance = (hex: string) => map3([[0.2126, 0.7152, 0.0722]], light(hex))[0];

/** WCAG 2.2. */
function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe.each(["dark", "light"])("%s", (name) => {
  const colours = theme(name);
  const of = (colour: string) => colours[colour] ?? "";

  test.each(Object.keys(eyes))("states are told apart: %s", (kind) => {
    const by = eyes[kind] ?? [];
    const states = ["error", "warn", "select"];
    const others = ["dim", "ramp-2", "ramp-3", "ramp-4"];
    const near = states.flatMap((one, at) =>
      [...states.slice(at + 1), ...others].flatMap((other) => {
        const [a, b] = [seen(of(one), by), seen(of(other), by)];
        const distance = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
        return distance < 0.08 ? [`${one} and ${other}: ${distance.toFixed(3)}`] : [];
      }),
    );
    expect(near).toEqual([]);
  });

  test.each(Object.keys(eyes))("the ramp is told by its lightness alone: %s", (kind) => {
    const steps = [0, 1, 2, 3, 4].map((step) => seen(of(`ramp-${step}`), eyes[kind] ?? [])[0]);
    const rises = steps.slice(1).map((step, at) => (step - (steps[at] ?? 0)) * (name === "dark" ? 1 : -1));
    expect(Math.min(...rises)).toBeGreaterThan(0.07);
  });

  test("what is written can be read on what is behind it", () => {
    const grounds = { text: [], dim: [], select: ["select-ground"], error: ["error-ground"], warn: ["warn-ground"] };
    const faint = Object.entries(grounds).flatMap(([colour, own]) =>
      ["ground", "raised", "hover", ...own].flatMap((ground) => {
        const found = contrast(of(colour), of(ground));
        return found < 4.5 ? [`${colour} on ${ground}: ${found.toFixed(2)}`] : [];
      }),
    );
    expect(faint).toEqual([]);
  });
});
