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
  /** As wide as each needs: the picture of the chain of documents wants more than a list of acts. */
  const traceWidth = ref(WIDTH);
  const widths = ref<Partial<Record<PanelName, number>>>(JSON.parse(localStorage.getItem(`${KEY}.widths`) ?? "{}") as Partial<Record<PanelName, number>>);
  const width = computed(() => widths.value[name.value ?? "chain"] ?? Math.min(name.value === "trace" ? Math.max(320, traceWidth.value) : WIDTH, window.innerWidth * 0.46));

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
      const next = Math.max(300, Math.min(window.innerWidth * 0.6, before + start - to.clientX));
      widths.value = { ...widths.value, [name.value ?? "chain"]: Math.round(next) };
    };
    const end = (): void => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      localStorage.setItem(`${KEY}.widths`, JSON.stringify(widths.value));
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
  }

  return { names, name, folded, width, traceWidth, open, toggle, drag };
}

export type Panel = ReturnType<typeof usePanel>;
