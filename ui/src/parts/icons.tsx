/** Signs: drawn here, 16 by 16, one stroke. */
import type { Kind } from "../api/client";
import { t } from "../i18n";

const KINDS: { [kind in Kind]: string } = {
  service: "M3 3.5h10v9H3zM3 7h10",
  database: "M3 4c0-2 10-2 10 0v8c0 2-10 2-10 0zM3 4c0 2 10 2 10 0M3 8c0 2 10 2 10 0",
  cache: "M8.5 1.5 3.5 9H8l-.5 5.5 5-7.5H8z",
  dns: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM2 8h12M8 2c-4 4-4 8 0 12M8 2c4 4 4 8 0 12",
  external: "M9 3h4v4M13 3 7 9M11 9.5V13H3V5h3.5",
  unknown: "M5.5 6c0-3.5 5-3.5 5 0 0 2-2.5 2-2.5 4M8 12.5v.5",
};

/** The name of a kind. */
export function kindName(kind: Kind): string {
  return {
    service: t("service"),
    database: t("database"),
    cache: t("cache"),
    dns: t("DNS"),
    external: t("external"),
    unknown: t("unknown peer"),
  }[kind];
}

export function kindPath(kind: Kind): string {
  return KINDS[kind];
}

export function KindSign(props: { kind: Kind }) {
  return (
    <svg class="kind" viewBox="0 0 16 16" role="img" aria-label={kindName(props.kind)}>
      <title>{kindName(props.kind)}</title>
      <path d={KINDS[props.kind]} fill="none" stroke="currentColor" stroke-width="1.3" stroke-linejoin="round" />
    </svg>
  );
}

export function Mark() {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path
        d="M1.5 5.8q2.2-2.2 4.3 0t4.4 0 4.3 0M1.5 10.6q2.2-2.2 4.3 0t4.4 0 4.3 0"
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linecap="round"
      />
    </svg>
  );
}
