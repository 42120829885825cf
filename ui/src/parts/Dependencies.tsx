/** Whom a service cannot do without, and whom it can. Filled when the server tells. */
export function Dependencies(_props: { name: string }) {
  return null;
}
