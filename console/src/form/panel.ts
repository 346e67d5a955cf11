/** The right panel: which part is open, whether it is folded, how wide it is; remembered in this browser. */
import { computed, ref, type ComputedRef } from "vue";

import { narrow } from "@/ui/width";

export type PanelName = "chain" | "trace" | "log";
const KEY = "yl.panel";
const WIDTH = 380;

export function usePanel(names: ComputedRef<PanelName[]>) {
  const folded = ref((localStorage.getItem(KEY) ?? (window.innerWidth >= 1360 ? "open" : "folded")) === "folded" || narrow.value);
  const wanted = ref<PanelName>((localStorage.getItem(`${KEY}.tab`) as PanelName | null) ?? "chain");
  const name = computed<PanelName | null>(() => (names.value.includes(wanted.value) ? wanted.value : names.value[0] ?? null));
  /** One width for all its parts: the form beside it stays where it is when another part is looked at. */
  const width = ref(Number(localStorage.getItem(`${KEY}.width`)) || Math.min(WIDTH, window.innerWidth * 0.46));

  function open(next: PanelName): void {
    wanted.value = next;
    folded.value = false;
    localStorage.setItem(`${KEY}.tab`, next);
    localStorage.setItem(KEY, "open");
  }
  function toggle(): void {
    folded.value = !folded.value;
    localStorage.setItem(KEY, folded.value ? "folded" : "open");
  }
  function drag(event: PointerEvent): void {
    const start = event.clientX;
    const before = width.value;
    const move = (to: PointerEvent): void => {
      width.value = Math.round(Math.max(300, Math.min(window.innerWidth * 0.6, before + start - to.clientX)));
    };
    const end = (): void => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      localStorage.setItem(`${KEY}.width`, String(width.value));
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
  }

  return { names, name, folded, width, open, toggle, drag };
}

export type Panel = ReturnType<typeof usePanel>;
