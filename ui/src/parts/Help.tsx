/** The keys. */
import { For } from "solid-js";
import { t } from "../i18n";

export function Help(props: { close: () => void }) {
  const keys = (): readonly (readonly [string, string])[] => [
    ["Ctrl K", t("Go to anything: pages, services, filters, times")],
    ["1 … 6", t("Pages, from left to right")],
    ["/", t("Filter or search on this page")],
    ["[ ]", t("Earlier, later")],
    ["j k", t("Next row, row before")],
    ["Enter", t("Open the row")],
    ["Esc", t("Close what is open, end a selection")],
    ["?", t("These keys")],
  ];
  return (
    <div class="veil" onClick={(event) => event.target === event.currentTarget && props.close()}>
      <div class="dialog" role="dialog" aria-modal="true" aria-label={t("Keys")}>
        <div class="help">
          <For each={keys()}>
            {([key, what]) => (
              <>
                <kbd>{key}</kbd>
                <span>{what}</span>
              </>
            )}
          </For>
        </div>
      </div>
    </div>
  );
}
