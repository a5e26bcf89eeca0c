// Without the fonts that the theme has: the reader's are there at once.
export { default } from "vitepress/theme-without-fonts";
import "./site.css";
