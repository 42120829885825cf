/** Texts that others chose: how much room they take, and a part of one that still tells it from its like. */

/** Letters of double width: those of East Asian scripts, and signs that are pictures. */
const DOUBLE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

const wide = (letter: string) => (DOUBLE.test(letter) ? 2 : 1);

/** How many Latin letters of a face of equal widths take the room of a text. */
export function letters(text: string): number {
  let sum = 0;
  for (const letter of text) sum += wide(letter);
  return sum;
}

/**
 * A text in the room of `most` letters: as it is, else its beginning and its end. Names of services begin alike more often than they end alike
 * (`orders-api`, `orders-worker-2`), so that both are kept.
 */
export function shortened(text: string, most: number): string {
  if (letters(text) <= most) return text;
  const all = [...text];
  const room = Math.max(1, most) - 1;
  const take = (some: readonly string[], most: number) => {
    let [count, sum] = [0, 0];
    while (count < some.length && sum + wide(some[count] ?? "") <= most) sum += wide(some[count++] ?? "");
    return some.slice(0, count);
  };
  const end = take([...all].reverse(), Math.floor(room / 2)).reverse();
  const begin = take(all, room - letters(end.join("")));
  return `${begin.join("")}…${end.join("")}`;
}

/** The parts of an address's path, as they were meant; one that means nothing (`%E0%A4`) stays as it is written. */
export function pathParts(path: string): string[] {
  return path
    .split("/")
    .filter(Boolean)
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}
