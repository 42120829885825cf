/** Where labels find room: none covers another one or what must not be covered; those that matter less give way. */

/** What is taken, by its left upper corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly wide: number;
  readonly high: number;
}

export interface Label {
  readonly id: string;
  readonly wide: number;
  readonly high: number;
  /** The greater, the sooner it finds room. */
  readonly weight: number;
  /** Where its middle may be, the best one first. */
  readonly at: readonly { readonly x: number; readonly y: number }[];
  /** It is shown at its best place even where there is no room. */
  readonly always?: boolean;
}

/** The side of the squares by which what is near is found. */
const SQUARE = 256;

/** What is better not covered, unless by what it belongs to: a piece of a line by that line's label. */
export interface Piece extends Box {
  readonly of: string;
}

/** The middles of those labels that found room: beside all pieces where there is such a place, else over some of them. */
export function arranged(
  labels: readonly Label[],
  taken: readonly Box[],
  pieces: readonly Piece[] = [],
): Map<string, { x: number; y: number }> {
  const squares = new Map<string, Box[]>();
  const within = (box: Box): string[] => {
    const found: string[] = [];
    for (let x = Math.floor(box.x / SQUARE); x <= Math.floor((box.x + box.wide) / SQUARE); x += 1)
      for (let y = Math.floor(box.y / SQUARE); y <= Math.floor((box.y + box.high) / SQUARE); y += 1)
        found.push(`${x} ${y}`);
    return found;
  };
  const take = (box: Box) => {
    for (const square of within(box)) (squares.get(square) ?? squares.set(square, []).get(square))?.push(box);
  };
  const free = (box: Box) =>
    within(box).every((square) => (squares.get(square) ?? []).every((other) => !overlap(box, other)));
  taken.forEach(take);

  const found = new Map<string, { x: number; y: number }>();
  const order = [...labels].sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1));
  for (const label of order) {
    const box = (at: { x: number; y: number }): Box => ({
      x: at.x - label.wide / 2,
      y: at.y - label.high / 2,
      wide: label.wide,
      high: label.high,
    });
    const possible = label.at.filter((at) => free(box(at)));
    const beside = (at: { x: number; y: number }) =>
      pieces.every((piece) => piece.of === label.id || !overlap(box(at), piece));
    const place = possible.find(beside) ?? possible[0] ?? (label.always ? label.at[0] : undefined);
    if (!place) continue;
    found.set(label.id, place);
    take(box(place));
  }
  return found;
}

export function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.wide && b.x < a.x + a.wide && a.y < b.y + b.high && b.y < a.y + a.high;
}
