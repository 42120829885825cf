import { expect, test } from "vitest";
import { events } from "../src/api/live";

test("events are told whole, however the text is cut", () => {
  const text =
    'event: requests\ndata: {"a":1}\n\n: keep-alive\n\nevent: requests\r\ndata: {"a":\r\ndata: 2}\r\n\r\nevent: req';
  const whole = events(text);
  expect(whole.events).toEqual([
    { event: "requests", data: '{"a":1}' },
    { event: "requests", data: '{"a":\n2}' },
  ]);
  expect(whole.rest).toBe("event: req");
});
