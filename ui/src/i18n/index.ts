/** The page's words. English stands where it is used; other languages are tables from it, and a test finds what they lack. */
import { language } from "../state/prefs";
import { zh } from "./zh";

/** A text in the language of whoever looks. `{name}` stands for a value. */
export function t(text: string, values?: { [name: string]: string | number }): string {
  const said = language() === "zh" ? (zh[text] ?? text) : text;
  return values ? said.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : said;
}
