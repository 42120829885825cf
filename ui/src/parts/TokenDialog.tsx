/** Asks for the token that the server asks for. */
import { onMount } from "solid-js";
import { t } from "../i18n";
import { refresh } from "../state/answer";
import { use } from "../state/token";

export function TokenDialog() {
  let input!: HTMLInputElement;
  onMount(() => input.focus());
  return (
    <div class="veil">
      <form
        class="dialog token"
        role="dialog"
        aria-modal="true"
        aria-label={t("A token is needed")}
        onSubmit={(event) => {
          event.preventDefault();
          use(input.value.trim());
          refresh();
        }}
      >
        <h2>{t("A token is needed")}</h2>
        <p class="dim">{t("This server answers only who shows a token. `weir token create` makes one.")}</p>
        <div class="flow">
          <input ref={input} type="password" aria-label={t("Token")} autocomplete="off" required />
          <button class="framed" type="submit">
            {t("Use it")}
          </button>
        </div>
        <p class="dim small">{t("It is kept until this tab is closed.")}</p>
      </form>
    </div>
  );
}
