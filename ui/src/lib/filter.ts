/** Filters are text in the server's language; here are the few things the page does to them. */

const PLAIN = /^[\p{L}\p{N}_.:/@{}?%+*-]+$/u;
const WORDS = new Set(["and", "or", "not", "in", "exists"]);

/** A value as it stands in a filter. */
export function quoted(value: string): string {
  if (PLAIN.test(value) && !WORDS.has(value.toLowerCase())) return value;
  return `"${value.replace(/[\\"]/g, "\\$&")}"`;
}

/** A condition. A field without a value is one that must not exist. */
export function term(field: string, value: string | null | undefined, operator = "="): string {
  if (value === null || value === undefined) return operator === "!=" ? `${field} exists` : `not ${field} exists`;
  return `${field} ${operator} ${quoted(value)}`;
}

/** The conditions that all have to hold: what stands between `and` outside of quotes and parentheses. None if there is an `or`. */
export function terms(filter: string): string[] | undefined {
  const parts: string[] = [];
  let [depth, quote, begin] = [0, "", 0];
  const word = /[\w.]/;
  for (let at = 0; at < filter.length; at += 1) {
    const letter = filter[at] ?? "";
    if (quote) {
      if (letter === "\\") at += 1;
      else if (letter === quote) quote = "";
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === "(") depth += 1;
    else if (letter === ")") depth -= 1;
    else if (depth === 0 && (at === 0 || !word.test(filter[at - 1] ?? ""))) {
      const rest = filter.slice(at, at + 4).toLowerCase();
      if (/^or(?![\w.])/.test(rest)) return undefined;
      if (/^and(?![\w.])/.test(rest)) {
        parts.push(filter.slice(begin, at).trim());
        begin = at + 3;
        at += 2;
      }
    }
  }
  parts.push(filter.slice(begin).trim());
  return parts.filter((part) => part !== "");
}

/** A filter with one more condition. */
export function and(filter: string, ...more: string[]): string {
  const parts = terms(filter);
  const own = parts ?? (filter.trim() === "" ? [] : [`(${filter.trim()})`]);
  return [...own, ...more.filter((part) => part !== "" && !own.includes(part))].join(" and ");
}

/** A filter without a condition. */
export function without(filter: string, condition: string): string {
  const parts = terms(filter);
  return parts ? parts.filter((part) => part !== condition).join(" and ") : filter;
}

/** Whether a condition is one of those that all have to hold. */
export function has(filter: string, condition: string): boolean {
  return terms(filter)?.includes(condition) ?? false;
}

/** With the condition if it is not there, without it if it is. */
export function toggled(filter: string, condition: string): string {
  return has(filter, condition) ? without(filter, condition) : and(filter, condition);
}

/** The field and operator of a simple condition. */
export function parsed(condition: string): { field: string; operator: string; value: string } | undefined {
  const found = /^([\w.]+)\s*(!=|<=|>=|\^=|=|<|>)\s*(.+)$/.exec(condition);
  if (!found) return undefined;
  const value = (found[3] ?? "").replace(/^"(.*)"$/, "$1").replace(/\\(.)/g, "$1");
  return { field: found[1] ?? "", operator: found[2] ?? "=", value };
}

/** Seconds as a filter's value: whole nanoseconds where it matters. */
export function seconds(value: number): string {
  return `${Math.round(value * 1e9)}ns`;
}

/** The requests of an edge. */
export function edgeFilter(edge: { client: string; server: string; protocol: string }): string {
  return and("", term("client", edge.client), term("server", edge.server), term("protocol", edge.protocol));
}
