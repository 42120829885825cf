/** The values of fields, and how many requests have them. A click asks for those with a value, with Shift for those without. */
import { For, Show } from "solid-js";
import { t } from "../i18n";
import { FACETS } from "../lib/fields";
import { has, term, toggled } from "../lib/filter";
import { count, grouped } from "../lib/format";
import type { Answer, Facet } from "../api/client";
import type { Answered } from "../state/answer";
import { param, set } from "../state/url";
import { Skeleton } from "./states";

/** So many values of each field are shown. */
export const VALUES = 8;

/** `of` is the server's answer about `FACETS`, in their order; it has the server's names where the page has short ones. */
export function Facets(props: { filter: string; of: Answered<Answer<"/api/v1/facets">> }) {
  const facets = () => props.of();
  // Fields that say the same of all requests do not help to find some; one that is filtered by stays, so that it can be dropped.
  const told = () =>
    (facets()?.facets ?? [])
      .map((facet, at) => ({ facet, field: FACETS[at] ?? facet.field }))
      .filter(({ facet, field }) => {
        const real = facet.values.filter((one) => one.value !== null && one.value !== undefined);
        return (
          real.length > 1 ||
          (real.length === 1 && (real[0]?.count ?? 0) < (facets()?.matched ?? 0)) ||
          props.filter.includes(field)
        );
      });
  return (
    <div class="facets" aria-label={t("Values of fields")}>
      <Show
        when={facets()}
        fallback={
          <Show when={!props.of.error()}>
            <Skeleton rows={16} />
          </Show>
        }
      >
        {(found) => (
          <div class="facets" classList={{ stale: props.of.stale() }}>
            <For each={told()}>
              {({ facet, field }) => (
                <One facet={facet} field={field} matched={found().matched} filter={props.filter} />
              )}
            </For>
          </div>
        )}
      </Show>
    </div>
  );
}

function One(props: { facet: Facet; field: string; matched: number; filter: string }) {
  const toggle = (value: string | null | undefined, not: boolean) => {
    const own =
      props.field === "error" && (value === null || value === undefined)
        ? `status ${not ? "!=" : "="} ok`
        : term(props.field, value, not ? "!=" : "=");
    set({ filter: toggled(param("filter"), own), sel: undefined });
  };
  const label = (value: string | null | undefined) => value ?? (props.field === "error" ? "ok" : "–");
  return (
    <section class="facet">
      <h2>{props.field}</h2>
      <For each={props.facet.values}>
        {(one) => (
          <button
            class="value"
            aria-pressed={
              has(props.filter, term(props.field, one.value)) ||
              (props.field === "error" && !one.value && has(props.filter, "status = ok"))
            }
            title={`${label(one.value)}: ${grouped(one.count)}\n${t("Shift: without it")}`}
            onClick={(event) => toggle(one.value, event.shiftKey)}
          >
            <span class="cut" classList={{ dim: one.value === null || one.value === undefined }}>
              {label(one.value)}
            </span>
            <span class="num">{count(one.count)}</span>
            <svg class="share" preserveAspectRatio="none" viewBox="0 0 100 2" aria-hidden="true">
              <rect width={props.matched > 0 ? Math.max(0.5, (one.count / props.matched) * 100) : 0} height="2" />
            </svg>
          </button>
        )}
      </For>
      <Show when={props.facet.others > 0}>
        <p class="dim small others">{t("{n} with other values", { n: count(props.facet.others) })}</p>
      </Show>
    </section>
  );
}
