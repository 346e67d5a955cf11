/** What is selected in a list: rows of the page, or everything the filter finds, loaded or not. */
import { computed, ref, watch, type ComputedRef } from "vue";

import type { Row, Total } from "@/types";

export function useSelection(rows: ComputedRef<Row[]>, question: ComputedRef<unknown>, total: () => Total | undefined) {
  const picked = ref(new Map<string, Row>());
  /** All that match, as the filter stands; rows that are loaded later belong to it. */
  const whole = ref(false);
  const selected = computed(() => (whole.value ? new Map(rows.value.map((row) => [row.id, row])) : picked.value));
  const chosen = computed(() => [...selected.value.values()]);
  /** Every loaded row is selected, and there are more. */
  const canExtend = computed(() => {
    const all = total();
    return !whole.value && rows.value.length > 0 && picked.value.size === rows.value.length && Boolean(all && (all.more || all.count > rows.value.length));
  });

  function set(next: Map<string, Row>): void {
    whole.value = false;
    picked.value = next;
  }
  const clear = (): void => set(new Map());
  function page(on = true): void {
    set(on ? new Map(rows.value.map((row) => [row.id, row])) : new Map());
  }
  function range(start: number, end: number): void {
    const next = new Map(selected.value);
    for (const row of rows.value.slice(start, end + 1)) next.set(row.id, row);
    set(next);
  }
  function toggle(row: Row): void {
    const next = new Map(selected.value);
    if (next.has(row.id)) next.delete(row.id);
    else next.set(row.id, row);
    set(next);
  }
  function extend(): void {
    whole.value = true;
  }

  watch(question, clear);
  watch(rows, (now) => {
    // Rows arrive anew after a step: the same ids stay selected, with their new state.
    if (picked.value.size) picked.value = new Map(now.filter((row) => picked.value.has(row.id)).map((row) => [row.id, row]));
  });

  return { selected, chosen, whole, canExtend, clear, page, range, toggle, extend };
}
