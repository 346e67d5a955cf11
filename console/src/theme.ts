/** Light, dark, or as the system says until somebody chooses. */
import { ref } from "vue";

export const dark = ref(document.documentElement.classList.contains("dark"));

export function setDark(on: boolean): void {
  dark.value = on;
  document.documentElement.classList.toggle("dark", on);
  localStorage.setItem("yl.theme", on ? "dark" : "light");
}
