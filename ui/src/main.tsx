import { render } from "solid-js/web";
import "./styles.css";
import "./floats.css";
import "./map.css";
import "./pages.css";
import { Frame } from "./parts/Frame";
import { followLinks } from "./state/url";

const app = document.getElementById("app");
if (app) {
  followLinks();
  render(() => <Frame />, app);
}
