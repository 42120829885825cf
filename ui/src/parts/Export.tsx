/** Requests as a file: those that are shown, with the columns that are shown; or all that match, as the server streams them. */
import { createSignal, For, Show } from "solid-js";
import type { Record_ } from "../api/client";
import { t } from "../i18n";
import { csv } from "../lib/export";
import type { Column } from "../lib/fields";
import { during } from "../state/answer";
import { shown, token } from "../state/token";

interface Props {
  filter: string;
  records: readonly Record_[];
  columns: readonly Column[];
}

/** A file of what is in memory. */
function save(name: string, content: Blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function Export(props: Props) {
  const [open, setOpen] = createSignal(false);
  const address = (format: string) => {
    const query = new URLSearchParams({ ...during(), format });
    if (props.filter) query.set("filter", props.filter);
    return `/api/v1/export?${query.toString()}`;
  };
  // A link cannot show a token; what is asked for with one is in memory before it is a file.
  const fetched = async (event: Event, format: string) => {
    setOpen(false);
    if (!token()) return;
    event.preventDefault();
    const response = await fetch(address(format), { headers: shown() });
    if (response.ok) save(`requests.${format}`, await response.blob());
  };
  const rows = (format: string) => {
    const text =
      format === "csv"
        ? csv(props.records, props.columns)
        : `${props.records.map((one) => JSON.stringify(one)).join("\n")}\n`;
    save(`requests.${format}`, new Blob([text], { type: format === "csv" ? "text/csv" : "application/x-ndjson" }));
    setOpen(false);
  };
  return (
    <div
      class="anchor"
      onFocusOut={(event) =>
        !event.currentTarget.contains(event.relatedTarget as globalThis.Node | null) && setOpen(false)
      }
    >
      <button class="framed" aria-expanded={open()} onClick={() => setOpen(!open())}>
        {t("Export")} ▾
      </button>
      <Show when={open()}>
        <div class="float choices-of-export">
          <For each={["csv", "json"]}>
            {(format) => (
              <a
                href={address(format)}
                download={`requests.${format}`}
                onClick={(event) => void fetched(event, format)}
              >
                {t("All that match, as {format}", { format: format.toUpperCase() })}
              </a>
            )}
          </For>
          <For each={["csv", "json"]}>
            {(format) => (
              <button onClick={() => rows(format)}>
                {t("The rows shown, as {format}", { format: format.toUpperCase() })}
                <span class="right">{props.records.length}</span>
              </button>
            )}
          </For>
        </div>
      </Show>
    </div>
  );
}
