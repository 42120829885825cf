/** What is looked for among services: a part of a name, kept in the URL. */
import { t } from "../i18n";
import { param, set } from "../state/url";

export function Find(props: { enter?: () => void }) {
  return (
    <input
      type="search"
      placeholder={t("Find a service  /")}
      aria-label={t("Find a service")}
      value={param("find")}
      onInput={(event) => set({ find: event.currentTarget.value }, true)}
      onKeyDown={(event) => {
        if (event.key === "Enter") props.enter?.();
        if (event.key === "Escape") {
          set({ find: undefined }, true);
          event.currentTarget.blur();
        }
      }}
    />
  );
}
