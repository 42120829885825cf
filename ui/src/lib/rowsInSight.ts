/** Which rows of a long list are in sight. */

/**
 * The rows from `first` to before `last` that have to exist: all of them up to `all` rows, else those within `high` pixels from `above` pixels after
 * the list's beginning, with some beside: about `beside`, and ends are at multiples of it, so that they do not change with every step of a scroll.
 */
export function rowsInSight(
  rows: number,
  row: number,
  above: number,
  high: number,
  all: number,
  beside = 20,
): { first: number; last: number } {
  if (rows <= all) return { first: 0, last: rows };
  const first = Math.floor(above / row / beside - 1) * beside;
  const last = Math.ceil((above + high) / row / beside + 1) * beside;
  return { first: Math.max(0, Math.min(rows, first)), last: Math.max(0, Math.min(rows, last)) };
}
