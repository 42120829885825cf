import { describe, expect, test } from "vitest";
import { letters, pathParts, shortened } from "../src/lib/text";

describe("texts that others chose", () => {
  test("pictures and East Asian letters take the room of two", () => {
    expect(["", "shop", "订单", "🔥x", "שירות"].map(letters)).toEqual([0, 4, 4, 3, 5]);
  });

  test("what has room is left alone", () => {
    expect(shortened("service-14", 10)).toBe("service-14");
    expect(shortened("服务-订单", 9)).toBe("服务-订单");
  });

  test("names that begin alike can still be told apart", () => {
    const names = Array.from({ length: 50 }, (_, at) => `service-${String(at).padStart(2, "0")}`);
    expect(new Set(names.map((name) => shortened(name, 7))).size).toBe(50);
    expect(shortened("service-14", 7)).toBe("ser…-14");
    expect(shortened("accounts (25)", 9)).toBe("acco…(25)");
  });

  test("none takes more room than there is, and no letter is cut in two", () => {
    for (const name of ["x".repeat(300), "emoji 🔥🚀 svc", "🔥🚀🔥🚀", "服务-订单-服务-订单", "שירות-תשלומים"])
      for (let most = 1; most < 20; most += 1) {
        const short = shortened(name, most);
        expect(letters(short), `${short} of ${most}`).toBeLessThanOrEqual(most);
        expect(
          [...short].filter((letter) => /^[\ud800-\udfff]$/.test(letter)),
          short,
        ).toEqual([]);
      }
  });
});

describe("the path of an address", () => {
  test("names are read as they were written", () => {
    expect(pathParts("/services/a%2Fb%20%F0%9F%94%A5")).toEqual(["services", "a/b 🔥"]);
    expect(pathParts("/")).toEqual([]);
  });

  test("what is no name is no reason to stop", () => {
    expect(pathParts("/services/%E0%A4%A")).toEqual(["services", "%E0%A4%A"]);
    expect(pathParts("/%")).toEqual(["%"]);
  });
});
