/** Requests as a file: those that are shown, with the columns that are shown; or all that match, as the server streams them. */
import { For } from "solid-js";
import type { Record_ } from "../api/client";
import { t } from "../i18n";
import { csv } from "../lib/export";
import type { Column } from "../lib/fields";
import { during } from "../state/answer";
import { shown, token } from "../state/token";
import { Menu } from "./Menu";

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
  const address = (format: string) => {
    const query = new URLSearchParams({ ...during(), format });
    if (props.filter) query.set("filter", props.filter);
    return `/api/v1/export?${query.toString()}`;
  };
  // A link cannot show a token; what is asked for with one is in memory before it is a file.
  const fetched = async (event: Event, format: string) => {
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
  };
  return (
    <Menu name={t("Export")} class="choices-of-export">
      {(close) => (
        <>
          <For each={["csv", "json"]}>
            {(format) => (
              <a
                href={address(format)}
                download={`requests.${format}`}
                onClick={(event) => (close(), void fetched(event, format))}
              >
                {t("All that match, as {format}", { format: format.toUpperCase() })}
              </a>
            )}
          </For>
          <For each={["csv", "json"]}>
            {(format) => (
              <button onClick={() => (close(), rows(format))}>
                {t("The rows shown, as {format}", { format: format.toUpperCase() })}
                <span class="right">{props.records.length}</span>
              </button>
            )}
          </For>
        </>
      )}
    </Menu>
  );
}
