/** Requests as a file: all that match where the server can give them, else those that are shown. */
import { createSignal, Show } from "solid-js";
import type { Record_ } from "../api/client";
import { t } from "../i18n";
import { csv } from "../lib/export";
import type { Column } from "../lib/fields";

export function Export(props: { filter: string; records: readonly Record_[]; columns: readonly Column[] }) {
  const [open, setOpen] = createSignal(false);
  const save = (name: string, type: string, text: string) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
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
        <div class="float">
          <button onClick={() => save("requests.csv", "text/csv", csv(props.records, props.columns))}>
            {t("CSV of the rows shown")} <span class="right">{props.records.length}</span>
          </button>
          <button
            onClick={() =>
              save(
                "requests.json",
                "application/json",
                props.records.map((one) => JSON.stringify(one)).join("\n") + "\n",
              )
            }
          >
            {t("JSON lines of the rows shown")} <span class="right">{props.records.length}</span>
          </button>
        </div>
      </Show>
    </div>
  );
}
