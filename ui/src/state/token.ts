/** The token that is shown to a server which asks for one. Kept for this tab only. */
import { createSignal } from "solid-js";

const NAME = "weir.token";

function kept(): string {
  try {
    return window.sessionStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

const [token, setToken] = createSignal(kept());
const [wanted, setWanted] = createSignal(false);
export { token, wanted };

/** The server did not answer for want of a token. */
export function want(): void {
  setWanted(true);
}

export function use(token: string): void {
  try {
    window.sessionStorage.setItem(NAME, token);
  } catch {
    // Then it is forgotten with the page.
  }
  setToken(token);
  setWanted(false);
}

/** What a question has to show. */
export function shown(): Record<string, string> {
  return token() ? { authorization: `Bearer ${token()}` } : {};
}
